import { z } from "zod";
import { joinSecret, leaveSecret, renameOwner } from "../core/kbs-config/entries.ts";
import { VOLUME_NAMES, volumeProblem } from "../core/kbs-config/volume-names.ts";
import { isName } from "../core/names.ts";
import { own } from "../core/records.ts";
import { UserError } from "../core/issues.ts";
import { unknown, type PropertyMap } from "./protocol/index.ts";
import { changeObject } from "./change.ts";
import { staying } from "./config-map.ts";
import { requireRestricted } from "./policy-holds.ts";
import { kbsConfigPatch, kbsConfigTarget, resourcesOf } from "./kbs-config.ts";
import { NO_DRIFT, type Operation, type ResourceType } from "./resource.ts";

const inputs = z.object({
  namespace: z.string().min(1),
  kbsConfig: z.string().min(1),
  secret: z.string().min(1),
  secretIsCreated: z.boolean(),
  /** The stack's identity. */
  identity: z.string().optional(),
  /** The ConfigMap and key of the policy that must restrict the secret. Absent: none must. */
  policyConfigMap: z.string().min(1).optional(),
  policyKey: z.string().min(1).optional(),
});
type Inputs = z.output<typeof inputs>;

const computed = z.object({
  /** Whether this project added the name to the list. If so, it removes it on delete. */
  added: z.boolean(),
  present: z.boolean(),
  /** The KbsConfig's version after this resource's last write; empty if it wrote nothing. */
  revision: z.string(),
});
type Computed = z.output<typeof computed>;

/** A listed Secret that does not exist makes every reconcile of the operator fail. */
async function requireSecret(
  { namespace, secret, secretIsCreated }: Inputs,
  operation: Operation,
): Promise<void> {
  if (operation.preview && secretIsCreated) return;
  if ((await operation.kube.getMetadata({ kind: "Secret", namespace, name: secret })) !== undefined) return;
  throw new UserError(
    "TA804",
    `There is no Secret "${secret}" in namespace "${namespace}". Listing it in the KbsConfig would stop every ` +
      "reconcile of the Trustee operator. Create it first, or let this program create it.",
  );
}

function requireName({ secret }: Inputs): void {
  // An invalid name is reported as a missing Secret.
  const problem = isName("subdomain", secret) ? volumeProblem(secret) : undefined;
  if (problem === undefined) return;
  throw new UserError(
    "TA603",
    `The Secret "${secret}" ${problem}. Listed in the KbsConfig, it would stop every reconcile of the Trustee operator. ` +
      `Use a name of ${VOLUME_NAMES}.`,
  );
}

/** Before a new name is listed: nobody may have replaced the policy since this run wrote it. */
async function requirePolicy(want: Inputs, { kube }: Operation): Promise<void> {
  const { namespace, policyConfigMap: configMap, policyKey: key, secret } = want;
  if (configMap === undefined || key === undefined) return;
  const then = "Every affirming pod could read it, so the KbsConfig does not list it yet.";
  await requireRestricted(kube, { namespace, configMap, key }, [secret], then);
}

async function join(want: Inputs, old: Computed | undefined, operation: Operation): Promise<PropertyMap> {
  requireName(want);
  await requireSecret(want, operation);
  const target = kbsConfigTarget(want);
  const { ref } = target;
  let restricted: Promise<void> | undefined;
  const { result, wrote, resourceVersion } = await changeObject(operation, target, async (live) => {
    if (live === undefined) {
      throw new UserError(
        "TA804",
        `There is no KbsConfig "${ref.name}" in namespace "${ref.namespace}". Install Trustee, or correct the name.`,
      );
    }
    if (live.metadata.deletionTimestamp !== undefined) {
      throw new UserError(
        "TA805",
        `KbsConfig "${ref.name}" in namespace "${ref.namespace}" is being deleted. Run again once it has been recreated.`,
      );
    }
    const before = resourcesOf(live);
    const listed = before.entries.includes(want.secret);
    if (!listed && !operation.preview) await (restricted ??= requirePolicy(want, operation));
    const ledger = renameOwner(before.ledger, operation.wasOwner, operation.owner);
    const after = joinSecret({ ...before, ledger }, want.secret, operation.owner, old?.added);
    return {
      patch: kbsConfigPatch(before, after),
      result: { added: after.added },
    };
  });
  const resumed = old === undefined ? result.added : !old.present;
  const current = wrote || resumed ? resourceVersion : (old?.revision ?? "");
  return { added: result.added, present: true, revision: wrote && operation.preview ? unknown : current };
}

/** One name in `spec.kbsSecretResources`. */
export const kbsSecretEntry: ResourceType<Inputs, Computed> = {
  inputs,
  computed,
  // Another ConfigMap: the policy leaves the old one, which removes the entries of the secrets that it restricts.
  replaceOn: ["namespace", "kbsConfig", "secret", "policyConfigMap"],
  derived: [],
  drifts: true,
  id: ({ namespace, kbsConfig, secret }) => `${namespace}/${kbsConfig}/${secret}`,

  create: (want, operation) => join(want, undefined, operation),

  read: async (want, state, { kube, owner }) => {
    const live = await kube.get(kbsConfigTarget(want).ref);
    if (live === undefined) return undefined;
    const { entries, ledger } = resourcesOf(live);
    const present = entries.includes(want.secret);
    // Without the record, the first of two stacks to be destroyed would remove an entry that the other needs.
    const recorded = !state.added || (own(ledger, want.secret) ?? []).includes(owner);
    const drift = !present
      ? `${want.secret} was removed from the list`
      : recorded
        ? NO_DRIFT
        : "the ownership record was removed";
    return { computed: { ...state, present }, drift };
  },

  update: (want, old, operation) => join(want, old.computed, operation),

  delete: async (had, state, operation) => {
    await changeObject(operation, kbsConfigTarget(had), (object) => {
      const live = staying(object);
      if (live === undefined) return { patch: undefined, result: undefined };
      const before = resourcesOf(live);
      return {
        patch: kbsConfigPatch(before, leaveSecret(before, had.secret, operation.owner, state.added)),
        result: undefined,
      };
    });
  },
};
