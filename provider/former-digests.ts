import type { Digests } from "../core/reference-values/ledger.ts";
import { retiringDigests } from "../core/reference-values/retiring.ts";
import type { Rotation } from "../core/rotation/rotation.ts";
import type { ObjectRef } from "../kube/objects.ts";
import type { Operation } from "./resource.ts";

/** What of a resource's inputs says which digests it has, and whose former ones stay. */
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

/** What stays of the digests from before, entry by entry. */
export function retiringOf(want: Wanted, old: Old | undefined): Digests {
  if (want.rotation === undefined || old === undefined) return {};
  return retiringDigests(
    want.digests,
    { digests: old.inputs.digests, readers: formerReaders(old), retiring: old.computed.retiring },
    want.rotation,
  );
}

/** Digest -> whose it is or was, of all that an earlier run knew of. */
function formerReaders({ inputs, computed }: Old): Readonly<Record<string, string>> {
  return { ...computed.retiringReaders, ...inputs.rotation?.current };
}

/** Former digest -> whose it was, of those that stay. */
export function readersOf(retiring: Digests, old: Old | undefined): Record<string, string> {
  const readers = old === undefined ? {} : formerReaders(old);
  const kept = new Set(Object.values(retiring).flat());
  return Object.fromEntries(Object.entries(readers).filter(([one]) => kept.has(one)));
}

/** Says which former digests Trustee goes on accepting. */
export function warnOfLeft(
  { log }: Pick<Operation, "log">,
  { name, namespace }: ObjectRef,
  left: Digests,
): void {
  for (const [entry, digests] of Object.entries(left)) {
    const shown = digests.map((one) => `${one.slice(0, 12)}...`).join(", ");
    log.warn(
      `The reference value "${entry}" in ConfigMap "${name}" still holds ${shown}, which no pod of this stack has any more: ` +
        "it was there before this stack, so it stays. If nobody else needs it, take it out by hand: " +
        `kubectl edit configmap ${name} -n ${namespace}`,
    );
  }
}
