import TOML from "@iarna/toml";
import { digestAlgorithms, type DigestAlgorithm } from "../../core/digest.ts";
import { decodeAnnotation } from "../../core/initdata/annotation.ts";
import {
  algorithmsOf,
  bindings,
  claimSpellings,
  initDataClaim,
  type Binding,
} from "../../core/initdata/binding.ts";
import { fitWords, type Misfit } from "../../core/initdata/tee.ts";
import { readGuestFiles, type GuestFiles } from "../../core/initdata/guest-files.ts";
import { messageOf } from "../../core/records.ts";
import type { PodFacts } from "./facts.ts";

/** What a pod's initdata makes its TEE claim. */
export interface PodClaims {
  /**
   * The claim `init_data` for each binding that supports this initdata; PCR8 comes first. The actual one is
   * not visible.
   */
  readonly claims: Readonly<Partial<Record<Binding, string>>>;
  /** What the guest fetches from the KBS to start. */
  readonly needs: GuestFiles["needs"];
  /** Flaws that certainly keep the guest's programs from the KBS. Each text begins with "its". */
  readonly flaws: readonly string[];
}

/** Why the initdata cannot be read. */
export interface UnreadableInitdata {
  readonly problem: string;
}

/** Computes a pod's possible claims from its initdata annotation; `undefined` if it has none. */
export function readPodClaims(pod: Pick<PodFacts, "annotation">): PodClaims | UnreadableInitdata | undefined {
  if (pod.annotation === undefined) return undefined;
  try {
    const bytes = decodeAnnotation(pod.annotation);
    const document = TOML.parse(Buffer.from(bytes).toString("utf8")) as Readonly<Record<string, unknown>>;
    const algorithm = digestAlgorithms.find((one) => one === document["algorithm"]);
    if (algorithm === undefined)
      return { problem: `its algorithm is none of ${digestAlgorithms.join(", ")}` };
    const { needs, flaws } = readGuestFiles(document);
    const sure = flaws.flatMap((flaw) => (flaw.sure ? [flaw.words] : []));
    return { claims: claimsOf(algorithm, bytes), needs, flaws: sure };
  } catch (error) {
    const [problem = ""] = messageOf(error).split("\n");
    return { problem };
  }
}

/** A pod's possible claims, or `undefined` if it has no readable initdata. */
export function readableClaims(pod: Pick<PodFacts, "annotation"> | undefined): PodClaims | undefined {
  const claims = pod === undefined ? undefined : readPodClaims(pod);
  return claims === undefined || "problem" in claims ? undefined : claims;
}

function claimsOf(algorithm: DigestAlgorithm, bytes: Uint8Array): PodClaims["claims"] {
  const able = bindings.filter((binding) => algorithmsOf(binding).includes(algorithm));
  return Object.fromEntries(able.map((binding) => [binding, initDataClaim(binding, algorithm, bytes)]));
}

/** The name of a claim in messages. */
const claimNames: Readonly<Record<Binding, string>> = {
  "azure-vtpm": "PCR8",
  snp: "host data",
  tdx: "mr_config_id",
  sample: "sample init_data",
};

export interface NamedClaim {
  readonly binding: Binding;
  readonly name: string;
  readonly value: string;
}

/** Every claim that the pod may make, PCR8 first. */
export function namedClaims({ claims }: PodClaims): readonly NamedClaim[] {
  return bindings.flatMap((binding) => {
    const value = claims[binding];
    return value === undefined ? [] : [{ binding, name: claimNames[binding], value }];
  });
}

/** All spellings of all claims that the pod may make. */
export function possibleSpellings(claims: PodClaims): readonly string[] {
  return namedClaims(claims).flatMap(({ binding, value }) => claimSpellings(binding, value));
}

/** The binding that makes this claim from this initdata; `undefined`: none. */
export function bindingOf(annotation: string | undefined, claim: string): Binding | undefined {
  const claims = annotation === undefined ? undefined : readableClaims({ annotation });
  return claims && namedClaims(claims).find(({ value }) => value === claim)?.binding;
}

/** How to fix a binding that does not fit the pod. */
export function bindingStep(misfit: Misfit): string {
  const run = ", then run pulumi up.";
  return misfit.fits.length === 0
    ? `Correct the pod's runtimeClassName${run}`
    : `Set the pod's binding to ${fitWords(misfit)} in its stack's settings, or correct its runtimeClassName${run}`;
}

/** A write within this time after the creation belongs to the creation. Seconds. */
const CREATION_GRACE = 2;

/** Whether the initdata annotation may have been written after the pod's creation. */
export function isEditedLater({ createdAt, annotated }: PodFacts): boolean {
  return annotated !== undefined && annotated.at > createdAt + CREATION_GRACE;
}
