import { claimSpellings, type Binding, type HardwareBinding } from "../../core/initdata/binding.ts";
import { own } from "../../core/records.ts";
import { differsInCase } from "./digest-case.ts";
import type { StackFacts } from "./facts.ts";
import { azureTeeOf, type TeePod, type ToldClaim } from "./told-claim.ts";
import { isInitdataEntry, type LiveEntry } from "./trustee-view.ts";

/** Where a claim stands in the reference values. */
export interface Registration {
  /** The entries that it should stand in one of; empty on bare metal, unless somebody has made entries for it. */
  readonly entries: readonly LiveEntry[];
  /** Those of them that hold it. */
  readonly holding: readonly LiveEntry[];
  /** Entries that hold it whose names do not say that they are for initdata, nor any stack. */
  readonly elsewhere: readonly LiveEntry[];
  /** One of them where the claim stands, but Trustee does not find it. */
  readonly dead?: { readonly entry: string; readonly words: string };
  /** The same digest in another case, which to Trustee is another one. */
  readonly twin?: { readonly name: string; readonly value: string };
}

/** Names of entries for a binding on bare metal; those of a vTPM's PCR8 are none. */
const bareMetalNames: Readonly<Record<Exclude<HardwareBinding, "azure-vtpm">, RegExp>> = {
  snp: /init_?data|host_?data/i,
  tdx: /init_?data|mr_?config_?id/i,
};

const PCR = /pcr_?\d/i;

/** Whether an entry is for the pod's TEE: by its instance size on Azure, or its binding, where they say it. */
export function isForTee(entry: string, pod: TeePod, { binding, sure }: ToldClaim): boolean {
  if (sure && binding !== "azure-vtpm") {
    return !PCR.test(entry) && !(binding === "snp" ? /^tdx/i : /^snp/i).test(entry);
  }
  const tee = azureTeeOf(pod);
  return tee === undefined || !(tee === "az-tdx-vtpm" ? /^snp/i : /^tdx/i).test(entry);
}

/** Whether an entry holds a claim, in a spelling that a verifier reports. */
export function holdsClaim({ values }: Pick<LiveEntry, "values">, { binding, value }: ToldClaim): boolean {
  return claimSpellings(binding, value).some((spelling) => values.includes(spelling));
}

/**
 * Whether a stack writes digests of this binding into an entry. It does so for all of its pods of the binding or for none, so
 * where it has such a pod, what it writes says whether they need a reference value.
 * @returns `undefined`: it has no such pod
 */
function isWrittenFor(
  entry: LiveEntry,
  binding: Binding,
  stack: StackFacts | undefined,
): boolean | undefined {
  const readers = Object.entries(stack?.claims ?? {});
  const peers = readers.filter(([reader]) => own(stack?.bindings, reader) === binding);
  if (peers.length === 0) return undefined;
  if (stack?.entries.includes(entry.name) !== true) return false;
  if (peers.length === readers.length) return true;
  return peers.some(([, claim]) =>
    claimSpellings(binding, claim).some((spelling) => entry.held.includes(spelling)),
  );
}

/** Whether an entry of the reference values is one that a claim should stand in. */
function isFor(entry: LiveEntry, pod: TeePod, claim: ToldClaim, stack: StackFacts | undefined): boolean {
  const { name, held } = entry;
  const { binding, value } = claim;
  if (binding === "sample") return false;
  if (binding === "azure-vtpm") return isInitdataEntry(name, stack) && isForTee(name, pod, claim);
  // On bare metal there need not be one: what is there for another binding's digests is none.
  return (
    holdsClaim({ values: held }, claim) ||
    held.some((one) => differsInCase(one, value)) ||
    (isWrittenFor(entry, binding, stack) ?? bareMetalNames[binding].test(name))
  );
}

/**
 * Looks a pod's claim up in the reference values.
 * @param asked the entries that the attestation policy asks for, where that is seen: no others count
 */
export function registrationOf(
  document: readonly LiveEntry[],
  pod: TeePod,
  claim: ToldClaim,
  stack: StackFacts | undefined,
  asked?: readonly string[],
): Registration {
  const entries = document.filter((entry) =>
    asked === undefined ? isFor(entry, pod, claim, stack) : asked.includes(entry.name),
  );
  const holding = entries.filter((entry) => holdsClaim(entry, claim));
  const elsewhere = document.filter(
    (entry) =>
      asked === undefined &&
      !isInitdataEntry(entry.name, stack) &&
      isForTee(entry.name, pod, claim) &&
      !PCR.test(entry.name) &&
      holdsClaim(entry, claim),
  );
  const [twin] = entries.flatMap(({ name, values }) =>
    values.filter((one) => differsInCase(one, claim.value)).map((one) => ({ name, value: one })),
  );
  const [dead] = entries.flatMap((entry) =>
    entry.dead !== undefined && holdsClaim({ values: entry.held }, claim)
      ? [{ entry: entry.name, words: entry.dead.words }]
      : [],
  );
  return {
    entries,
    holding,
    elsewhere,
    ...(dead === undefined ? {} : { dead }),
    ...(twin === undefined ? {} : { twin }),
  };
}
