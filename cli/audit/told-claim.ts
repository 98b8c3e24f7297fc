import { claimSpellings, type Binding } from "../../core/initdata/binding.ts";
import { bindingsOfClass } from "../../core/initdata/tee.ts";
import { own } from "../../core/records.ts";
import type { PodFacts, StackFacts, TrusteeFacts } from "./facts.ts";
import { namedClaims, type NamedClaim, type PodClaims } from "./pod-claims.ts";
import { livePolicy, liveReferenceValues } from "./trustee-view.ts";

/** The claim that a pod makes. */
export interface ToldClaim extends NamedClaim {
  /** `false`: nothing says how its TEE binds the initdata, so that it may make another of its possible claims. */
  readonly sure: boolean;
}

/** What a pod's binding is told by, beside the pod itself. */
export interface ClaimSources {
  readonly trustee: TrusteeFacts;
  readonly stack?: StackFacts | undefined;
  /** How the stack calls the pod, where it is one of its own. */
  readonly reader?: string | undefined;
}

interface Words {
  readonly exact: ReadonlySet<string>;
  readonly inLowerCase: ReadonlySet<string>;
}

/** Words of a policy or of the reference values, which a claim may be among. */
function knownWords(trustee: TrusteeFacts): Words {
  const values = (liveReferenceValues(trustee).entries ?? []).flatMap(({ held }) => held);
  // Whole words: the claim of TDX begins with that of SNP.
  const words = (livePolicy(trustee).text ?? "").split(/[^0-9A-Za-z+/=]+/);
  const exact = new Set([...values, ...words]);
  return { exact, inLowerCase: new Set([...exact].map((word) => word.toLowerCase())) };
}

/** How the pod's TEE binds initdata, by the instance or the runtime that it asks for, where that says it. */
function bindingAskedFor({ machineType, runtimeClass = "" }: TeePod): Binding | undefined {
  if (machineType?.startsWith("Standard_") === true) return "azure-vtpm";
  return bindingsOfClass(runtimeClass)?.[0];
}

/** The TEE of a pod on Azure, by its instance size, where that says it. */
export function azureTeeOf({ machineType = "" }: TeePod): "az-snp-vtpm" | "az-tdx-vtpm" | undefined {
  if (/^Standard_[DE]C\d+e/.test(machineType)) return "az-tdx-vtpm";
  return /^Standard_[DE]C\d+a/.test(machineType) ? "az-snp-vtpm" : undefined;
}

/** What of a pod says which TEE it has. */
export type TeePod = Pick<PodFacts, "machineType" | "runtimeClass">;

/** What tells claims of many pods of one Trustee; the policy and the reference values are read once, and only if the stack does not say. */
export function claimTeller({
  trustee,
  stack,
}: ClaimSources): (pod: TeePod, claims: PodClaims, reader?: string) => ToldClaim | undefined {
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
    const told =
      all.find(({ value }) => value === claim) ??
      (reader === undefined ? undefined : by(own(stack?.bindings, reader))) ??
      all.find(({ value }) => declared.has(value)) ??
      // The base64 of one digest is host data of a KBS up to v0.17 and the sample TEE's claim alike.
      [by(asked), ...all].find((known) => known !== undefined && isKnown(known)) ??
      by(asked) ??
      all.find(({ value }) => known().inLowerCase.has(value));
    if (told !== undefined) return { ...told, sure: true };
    const [first] = all;
    return first === undefined ? undefined : { ...first, sure: false };
  };
}

/**
 * The claim that a pod makes: what its stack says, else the one that somebody has registered or granted something, else what
 * the pod asks to run on, else PCR8, without being sure.
 */
export function tellClaim(pod: TeePod, claims: PodClaims, sources: ClaimSources): ToldClaim | undefined {
  return claimTeller(sources)(pod, claims, sources.reader);
}
