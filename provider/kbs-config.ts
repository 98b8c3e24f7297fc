import { z } from "zod";
import {
  readEntries,
  readLedger,
  SECRET_LEDGER_ANNOTATION,
  writeLedger,
  type SecretResources,
} from "../core/kbs-config/entries.ts";
import type { KubeObject } from "../kube/objects.ts";
import type { Change, Target } from "./change.ts";

/** The KbsConfig, and the fields that a merge of its list reads. */
export function kbsConfigTarget({
  namespace,
  kbsConfig,
}: {
  readonly namespace: string;
  readonly kbsConfig: string;
}): Target {
  return {
    ref: { kind: "KbsConfig", namespace, name: kbsConfig },
    basis: [
      ["spec", "kbsSecretResources"],
      ["metadata", "annotations", SECRET_LEDGER_ANNOTATION],
      ["metadata", "deletionTimestamp"],
    ],
  };
}

/** The Secrets that a KbsConfig lists, and the record of our entries; both are empty without a KbsConfig. */
export function resourcesOf(live: KubeObject | undefined): SecretResources {
  if (live === undefined) return { entries: [], ledger: {} };
  const spec = z.looseObject({}).nullish().parse(live["spec"]);
  return {
    entries: readEntries(spec?.["kbsSecretResources"], live.metadata),
    ledger: readLedger(live.metadata.annotations?.[SECRET_LEDGER_ANNOTATION]),
  };
}

/** The patch from one state to the other, or `undefined` if they are the same. */
export function kbsConfigPatch(before: SecretResources, after: SecretResources): Change<unknown>["patch"] {
  const list = before.entries.join("\n") === after.entries.join("\n");
  const ledger = writeLedger(before.ledger) === writeLedger(after.ledger);
  if (list && ledger) return undefined;
  const metadata = { annotations: { [SECRET_LEDGER_ANNOTATION]: writeLedger(after.ledger) } };
  return { metadata, ...(list ? {} : { spec: { kbsSecretResources: after.entries } }) };
}
