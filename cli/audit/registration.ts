import { claimSpellings, type Binding, type HardwareBinding } from "../../core/initdata/binding.ts";
import { defined, own } from "../../core/records.ts";
import type { StackFacts } from "./facts.ts";
import { azureTeeOf, type TeePod, type LikelyClaim } from "./likely-claim.ts";
import { differsInCase } from "./policy-text.ts";
import { isInitdataEntry, type LiveEntry } from "./trustee-view.ts";

/** Which reference values hold a claim. */
export interface Registration {
  /** The entries for such a claim; on bare metal there may be none. */
  readonly entries: readonly LiveEntry[];
  /** Those that hold it. */
  readonly holding: readonly LiveEntry[];
  /** Other entries that hold it. By their names and the stack, they are not for initdata. */
  readonly elsewhere: readonly LiveEntry[];
  /** An entry that has the claim, but Trustee ignores it. */
  readonly dead?: { readonly entry: string; readonly words: string };
  /** The same digest in another case. Trustee compares exactly. */
  readonly twin?: { readonly name: string; readonly value: string };
}

/** Names of entries for a binding on bare metal. */
const bareMetalNames: Readonly<Record<Exclude<HardwareBinding, "azure-vtpm">, RegExp>> = {
  snp: /init_?data|host_?data/i,
  tdx: /init_?data|mr_?config_?id/i,
};

const PCR = /pcr_?\d/i;

/** Whether an entry may be for the pod's TEE, by its instance size on Azure or its binding. */
export function isForTee(entry: string, pod: TeePod, { binding, sure }: LikelyClaim): boolean {
  if (sure && binding !== "azure-vtpm") {
    return !PCR.test(entry) && !(binding === "snp" ? /^tdx/i : /^snp/i).test(entry);
  }
  const tee = azureTeeOf(pod);
  return tee === undefined || !(tee === "az-tdx-vtpm" ? /^snp/i : /^tdx/i).test(entry);
}

/** Whether an entry holds a claim, in a spelling that a verifier reports. */
export function holdsClaim({ values }: Pick<LiveEntry, "values">, { binding, value }: LikelyClaim): boolean {
  return claimSpellings(binding, value).some((spelling) => values.includes(spelling));
}

/**
 * Whether a stack writes digests of this binding into an entry. A stack writes them for all its pods with the
 * binding or for none, so this shows whether such pods need a reference value.
 * @returns `undefined`: the stack has no such pod
 */
function isWrittenFor(
  entry: LiveEntry,
  binding: Binding,
  stack: StackFacts | undefined,
): boolean | undefined {
  if (stack === undefined) return undefined;
  const readers = Object.entries(stack.claims);
  const peers = readers.filter(([reader]) => own(stack.bindings, reader) === binding);
  if (peers.length === 0) return undefined;
  if (!stack.entries.includes(entry.name)) return false;
  if (peers.length === readers.length) return true;
  return peers.some(([, claim]) =>
    claimSpellings(binding, claim).some((spelling) => entry.held.includes(spelling)),
  );
}

/** Whether an entry is for a claim. */
function isFor(entry: LiveEntry, pod: TeePod, claim: LikelyClaim, stack: StackFacts | undefined): boolean {
  const { name, held } = entry;
  const { binding, value } = claim;
  if (binding === "sample") return false;
  if (binding === "azure-vtpm") return isInitdataEntry(name, stack) && isForTee(name, pod, claim);
  // On bare metal there may be no entry. Entries for digests of another binding do not count.
  return (
    holdsClaim({ values: held }, claim) ||
    held.some((one) => differsInCase(one, value)) ||
    (isWrittenFor(entry, binding, stack) ?? bareMetalNames[binding].test(name))
  );
}

/**
 * Finds a pod's claim in the reference values.
 * @param asked the only entries that count, if the attestation policy is known
 */
export function registrationOf(
  document: readonly LiveEntry[],
  pod: TeePod,
  claim: LikelyClaim,
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
  return { entries, holding, elsewhere, ...defined({ dead, twin }) };
}
