import { claimSpellings, type Binding } from "../../core/initdata/binding.ts";
import { bindingsOfClass } from "../../core/initdata/tee.ts";
import { own } from "../../core/records.ts";
import type { PodFacts, StackFacts, TrusteeFacts } from "./facts.ts";
import { namedClaims, type NamedClaim, type PodClaims } from "./pod-claims.ts";
import { livePolicy, liveReferenceValues } from "./trustee-view.ts";

/** The claim that a pod most likely makes. */
export interface LikelyClaim extends NamedClaim {
  /** `false`: its binding is unknown, so it may make another of its possible claims. */
  readonly sure: boolean;
}

/** Sources for a pod's binding, in addition to the pod itself. */
export interface ClaimSources {
  readonly trustee: TrusteeFacts;
  readonly stack?: StackFacts | undefined;
  /** The pod's name in the stack. */
  readonly reader?: string | undefined;
}

interface Words {
  readonly exact: ReadonlySet<string>;
  readonly inLowerCase: ReadonlySet<string>;
}

/** Words of the policy and the reference values. They may include a claim. */
function knownWords(trustee: TrusteeFacts): Words {
  const values = (liveReferenceValues(trustee).entries ?? []).flatMap(({ held }) => held);
  // Whole words: the claim of TDX begins with that of SNP.
  const words = (livePolicy(trustee).text ?? "").split(/[^0-9A-Za-z+/=]+/);
  const exact = new Set([...values, ...words]);
  return { exact, inLowerCase: new Set([...exact].map((word) => word.toLowerCase())) };
}

/** The binding that the pod's instance size or runtime class implies. */
function bindingAskedFor({ machineType, runtimeClass = "" }: TeePod): Binding | undefined {
  if (machineType?.startsWith("Standard_") === true) return "azure-vtpm";
  return bindingsOfClass(runtimeClass)?.[0];
}

/** The TEE that a pod's instance size on Azure implies. */
export function azureTeeOf({ machineType = "" }: TeePod): "az-snp-vtpm" | "az-tdx-vtpm" | undefined {
  if (/^Standard_[DE]C\d+e/.test(machineType)) return "az-tdx-vtpm";
  return /^Standard_[DE]C\d+a/.test(machineType) ? "az-snp-vtpm" : undefined;
}

/** The fields of a pod that imply its TEE. */
export type TeePod = Pick<PodFacts, "machineType" | "runtimeClass">;

/** Finds the claims of many pods. The policy and reference values are read once, and only if needed. */
export function likelyClaims({
  trustee,
  stack,
}: ClaimSources): (pod: TeePod, claims: PodClaims, reader?: string) => LikelyClaim | undefined {
  let words: Words | undefined;
  const known = (): Words => (words ??= knownWords(trustee));
  const declared = new Set(Object.values(stack?.claims ?? {}));
  const isKnown = ({ binding, value }: NamedClaim): boolean =>
    claimSpellings(binding, value).some((spelling) => known().exact.has(spelling));
  return (pod, claims, reader) => {
    const all = namedClaims(claims);
    const by = (binding: Binding | undefined): NamedClaim | undefined =>
      all.find((claim) => claim.binding === binding);
    const claim = reader === undefined ? undefined : own(stack?.claims, reader);
    const asked = bindingAskedFor(pod);
    const found =
      all.find(({ value }) => value === claim) ??
      (reader === undefined ? undefined : by(own(stack?.bindings, reader))) ??
      all.find(({ value }) => declared.has(value)) ??
      // The same base64 text can be host data of a KBS up to v0.17, or the sample TEE's claim.
      [by(asked), ...all].find((known) => known !== undefined && isKnown(known)) ??
      by(asked) ??
      all.find(({ value }) => known().inLowerCase.has(value));
    if (found !== undefined) return { ...found, sure: true };
    const [first] = all;
    return first === undefined ? undefined : { ...first, sure: false };
  };
}

/**
 * The claim that a pod most likely makes, by the first source that has one:
 * 1. its stack;
 * 2. registered or granted digests;
 * 3. its instance size or runtime class;
 * 4. PCR8, not sure.
 */
export function likelyClaim(pod: TeePod, claims: PodClaims, sources: ClaimSources): LikelyClaim | undefined {
  return likelyClaims(sources)(pod, claims, sources.reader);
}
