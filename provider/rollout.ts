import { z } from "zod";
import { byName } from "../core/records.ts";
import { describeUnseen, unseenChanges } from "../core/rollout/decide.ts";
import { UserError } from "../core/issues.ts";
import type { KubeClient } from "../kube/client.ts";
import type { PropertyMap } from "./protocol/index.ts";
import { requireRestricted } from "./policy-holds.ts";
import { readChange, readRollout } from "./rollout-read.ts";
import { rolloutInputs as inputs, RolloutRun, type RolloutInputs as Inputs } from "./rollout-run.ts";
import { NO_DRIFT, type Operation, type ResourceType } from "./resource.ts";

const computed = z.object({});
type Computed = z.output<typeof computed>;

async function roll(want: Inputs, operation: Operation): Promise<PropertyMap> {
  const { namespace, deployment } = want;
  const found = operation.preview
    ? (await operation.kube.get({ kind: "Deployment", namespace, name: deployment })) !== undefined
    : await new RolloutRun(want, operation).run();
  if (!found) {
    throw new UserError(
      "TA804",
      `There is no Deployment "${deployment}" in namespace "${namespace}". Install Trustee first, or correct the name.`,
    );
  }
  if (!operation.preview && want.restricted !== undefined) {
    const { secrets, ...policy } = want.restricted;
    const then = "The KBS serves what it has listed, so every affirming pod can read it now.";
    await requireRestricted(operation.kube, { namespace, ...policy }, secrets, then);
  }
  return {};
}

/**
 * Makes sure that every pod of the Deployment is younger than the last change, no matter who restarted it. A
 * pod that is older than one of our changes is drift.
 */
export const rollout: ResourceType<Inputs, Computed> = {
  inputs,
  computed,
  replaceOn: ["namespace", "deployment"],
  derived: [],
  drifts: true,
  id: ({ namespace, deployment }) => `${namespace}/${deployment}`,

  create: async (want, operation) =>
    want.onDelete === true || nothingToSee(want) ? {} : roll(want, operation),

  read: async (want, _state, { kube }) => {
    const drift = await driftOf(want, kube);
    return drift === undefined ? undefined : { computed: {}, drift };
  },

  update: async (want, old, operation) => {
    const same = JSON.stringify(sorted(want.changes)) === JSON.stringify(sorted(old.inputs.changes));
    return want.onDelete === true || (same && old.drift === NO_DRIFT) ? {} : roll(want, operation);
  },

  delete: async (had, _state, operation) => {
    if (had.onDelete === true) await new RolloutRun(had, operation).run();
  },
};

/**
 * Describes our changes that the KBS cannot have seen. Writes and restarts by others are no drift. Nothing is
 * drift while the rollout waits for its delete. Returns `undefined` if the Deployment does not exist.
 */
async function driftOf(want: Inputs, kube: KubeClient): Promise<string | undefined> {
  const { namespace, deployment, after } = want;
  if (want.onDelete === true || nothingToSee(want)) {
    const found = await kube.get({ kind: "Deployment", namespace, name: deployment });
    return found === undefined ? undefined : NO_DRIFT;
  }
  const [seen, ...ours] = await Promise.all([
    readRollout(kube, namespace, deployment),
    ...after.map((object) => readChange(kube, namespace, object, "ours")),
  ]);
  if (seen === undefined) return undefined;
  const known = ours.filter((change) => change !== undefined);
  return describeUnseen(unseenChanges(seen, known)) ?? NO_DRIFT;
}

/** True if every revision is empty: this stack has changed nothing that the KBS would have to see. */
function nothingToSee({ changes }: Inputs): boolean {
  const revisions = Object.values(changes);
  return revisions.length > 0 && revisions.every((revision) => revision === "");
}

function sorted(changes: Readonly<Record<string, string>>): [string, string][] {
  return Object.entries(changes).sort(byName);
}
