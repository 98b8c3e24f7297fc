import { accessChanges, policyDoubts, type AccessChange, type Doubt } from "../access/changes.ts";
import { accessMatrix, type AccessMatrix } from "../access/matrix.ts";
import { otherReaders, type OtherReader } from "../access/other-readers.ts";
import type { Issues } from "../issues.ts";
import { byName, getOrAdd, own as member } from "../records.ts";
import { checkDamage } from "../policy/damage.ts";
import { checkNamesakes, idOf, type Who } from "../policy/identity.ts";
import { EVERY_KEY, mergeGrants, tableOf, type StackGrants, type StackId } from "../policy/grants.ts";
import type { Before } from "../policy/registry.ts";
import { changingReaders, stacksAfterJoin } from "../policy/share.ts";
import type { Digests } from "../reference-values/merge.ts";
import type { Rotation } from "../policy/rotation.ts";
import { isCreated, podsMeant } from "../settings/references.ts";
import type { Settings } from "../settings/schema.ts";
import type { LivePod } from "./live-pod.ts";
import { planPod, type KbsEndpoint, type PlannedPod } from "./pod.ts";
import {
  checkDistinct,
  currentClaims,
  grantsTo,
  groupOf,
  outsideReader,
  podReader,
  readerGroups,
  type Reader,
} from "./reader.ts";

/** The live state of Trustee, as the plan needs it. */
interface TrusteeEndpoint extends KbsEndpoint {
  /** The live resource policy, with the grants of other stacks. @default none */
  readonly policy?: Before;
  /** Lines of other stacks that the policy lost, restored with the next write. @default none */
  readonly vanished?: readonly StackGrants[];
}

/** The inputs of the plan apart from the settings. */
export interface PlanSources {
  /** initdataFile -> its content. */
  readonly files: Readonly<Record<string, string>>;
  /** Pod -> the object of its name in the cluster, if it was read. @default none */
  readonly livePods?: Readonly<Record<string, LivePod>>;
}

/** Everything that one stack declares, computed before anything is registered. */
export interface Plan {
  readonly pods: readonly PlannedPod[];
  /** The pods, and the readers deployed elsewhere. */
  readonly readers: readonly Reader[];
  readonly grants: StackGrants;
  readonly digests: Digests;
  /** The readers with a grace period for their previous digest. */
  readonly rotation: Rotation;
  /** The pods deployed here whose initdata changes. Those in `rotation` have a grace period. */
  readonly changing: readonly string[];
  /** The access after this stack's update, with the grants of the other stacks. */
  readonly matrix: AccessMatrix;
  /** The cells that this opens and closes, compared with the live policy. */
  readonly accessChanges: readonly AccessChange[];
  /** Readers of this stack's secrets by grants of other stacks. */
  readonly otherReaders: readonly OtherReader[];
  /** Why the comparison with the live policy is unreliable. */
  readonly doubts: readonly Doubt[];
}

/**
 * Restricts every secret that is named in a grant or created here. A grant without a key covers all keys.
 * Each reader is listed with every spelling of its claim, and with all pods that share it.
 */
function planGrants(settings: Settings, readers: readonly Reader[], own: StackId): StackGrants {
  const created = settings.secrets.filter(isCreated).map(({ name }) => name);
  const byId = new Map(readers.map((reader) => [reader.id, reader]));
  const groups = readerGroups(readers);
  const grants = settings.grants.flatMap(({ reader: id, pod, secret, key = EVERY_KEY }) => {
    const reader = byId.get(id ?? podsMeant(settings.pods, pod ?? "")[0]?.id ?? "");
    if (reader === undefined) return [];
    return (groups.get(groupOf(reader)) ?? []).flatMap((one) => grantsTo(one, secret, key));
  });
  return { ...own, others: settings.otherSecrets, secrets: tableOf(created, grants) };
}

/** Entry -> its digests, by the readers' bindings. */
function planDigests(entries: Settings["referenceValues"]["entries"], readers: readonly Reader[]): Digests {
  const digests = new Map<string, Set<string>>();
  for (const { binding, spellings, registered } of readers) {
    if (!registered || binding === "sample") continue;
    for (const entry of entries[binding]) {
      const into = getOrAdd(digests, entry, () => new Set<string>());
      for (const claim of spellings) into.add(claim);
    }
  }
  const sorted = [...digests].sort(byName);
  return Object.fromEntries(sorted.map(([entry, values]) => [entry, [...values].sort()]));
}

/** Only pods deployed here get a grace period: it is unknown when others are ready. */
function planRotation({ rotation, pods }: Settings, readers: readonly Reader[]): Rotation {
  const deployed = pods.filter(({ deploy }) => deploy).map(({ id }) => id);
  return {
    current: currentClaims(readers),
    overlapping: rotation === "overlap" ? deployed.sort() : [],
  };
}

/**
 * Computes what the settings mean on this Trustee. Pure: the same input gives the same bytes everywhere.
 * @param who this stack
 * @returns the plan. If there are issues, use it only to find more.
 */
export function tryPlan(
  settings: Settings,
  trustee: TrusteeEndpoint,
  { files, livePods = {} }: PlanSources,
  who: Who,
  issues: Issues,
): Plan {
  const own = idOf(who);
  const content = (file: string | undefined): string | undefined =>
    file === undefined ? undefined : member(files, file);
  const pods = settings.pods.map((pod, index) =>
    planPod(
      pod,
      trustee,
      {
        file: content(pod.initdataFile),
        live: { pod: member(livePods, pod.id), own, takeOver: settings.takeOver },
      },
      `pods[${index}]`,
      issues,
    ),
  );
  const readers = [
    ...pods.map((pod, index) => podReader(pod, `pods[${index}]`)),
    ...settings.readers.map((reader, index) =>
      outsideReader(reader, content(reader.initdataFile), `readers[${index}]`, issues),
    ),
  ];
  checkDistinct(readers, issues);
  checkDamage(trustee.policy ?? null, own.stack, issues);
  if (!settings.takeOver) checkNamesakes(trustee.policy ?? null, own, issues);
  const grants = planGrants(settings, readers, own);
  const rotation = planRotation(settings, readers);
  const live = trustee.policy ?? null;
  const deployed = settings.pods.filter(({ deploy }) => deploy).map(({ id }) => id);
  const matrix = accessMatrix(
    mergeGrants(stacksAfterJoin(live, grants, trustee.vanished)),
    readers.map(({ id, namespace, initData, binding }) => ({ pod: id, namespace, initData, binding })),
    settings.secrets.flatMap(({ name, keys }) => keys.map((key) => ({ secret: name, key }))),
  );
  return {
    pods,
    readers,
    grants,
    digests: planDigests(settings.referenceValues.entries, readers),
    rotation,
    changing: changingReaders(live, own, { ...rotation, overlapping: deployed }),
    matrix,
    accessChanges: accessChanges(live, grants, matrix, deployed, trustee.vanished),
    otherReaders: otherReaders(live, grants, trustee.vanished),
    doubts: policyDoubts(live),
  };
}
