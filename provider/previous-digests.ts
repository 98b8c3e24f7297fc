import type { Digests } from "../core/reference-values/ledger.ts";
import { retiringDigests } from "../core/reference-values/retiring.ts";
import type { Rotation } from "../core/policy/rotation.ts";
import type { ObjectRef } from "../kube/objects.ts";
import type { Operation } from "./resource.ts";

/** The inputs that decide which digests are current and which previous ones stay. */
interface Wanted {
  readonly digests: Digests;
  readonly rotation?: Rotation | undefined;
}

interface Old {
  readonly inputs: Wanted;
  readonly computed: {
    readonly retiring: Digests;
    readonly retiringReaders: Readonly<Record<string, string>>;
  };
}

/** The previous digests that stay, by entry. */
export function retiringOf(want: Wanted, old: Old | undefined): Digests {
  if (want.rotation === undefined || old === undefined) return {};
  return retiringDigests(
    want.digests,
    { digests: old.inputs.digests, readers: previousReaders(old), retiring: old.computed.retiring },
    want.rotation,
  );
}

/** Digest -> its reader, for all current and previous digests in the state. */
function previousReaders({ inputs, computed }: Old): Readonly<Record<string, string>> {
  return { ...computed.retiringReaders, ...inputs.rotation?.current };
}

/** Previous digest -> its reader, for the digests that stay. */
export function readersOf(retiring: Digests, old: Old | undefined): Record<string, string> {
  const readers = old === undefined ? {} : previousReaders(old);
  const kept = new Set(Object.values(retiring).flat());
  return Object.fromEntries(Object.entries(readers).filter(([one]) => kept.has(one)));
}

/** Warns about previous digests that Trustee still accepts. */
export function warnOfLeft(
  { log }: Pick<Operation, "log">,
  { name, namespace }: ObjectRef,
  left: Digests,
): void {
  for (const [entry, digests] of Object.entries(left)) {
    const shown = digests.map((one) => `${one.slice(0, 12)}...`).join(", ");
    log.warn(
      `The reference value "${entry}" in ConfigMap "${name}" still holds ${shown}, which no pod of this stack uses any more. ` +
        "It was there before this stack, so it stays. If nobody else needs it, remove it: " +
        `kubectl edit configmap ${name} -n ${namespace}`,
    );
  }
}
