import type { Cloud } from "../initdata/tee.ts";
import { defined, mapValues, own } from "../records.ts";
import { podAnnotations } from "../plan/pod.ts";
import type { Plan } from "../plan/plan.ts";
import { listGrants, type StackGrants } from "../policy/grants.ts";
import { IDENTITY_LENGTH } from "../policy/identity.ts";
import { parseRegistry, type Before } from "../policy/registry.ts";
import { isOfStack, OWNER_MARK_LENGTH } from "../policy/owner.ts";
import { joinPolicy, type PreviousGrants } from "../policy/share.ts";
import { readDocument } from "../reference-values/document.ts";
import { formatOf } from "../trustee/format.ts";
import {
  EMPTY_LEDGER,
  LONGEST_BEFORE,
  readLedgers,
  REFERENCE_VALUES_LEDGER_ANNOTATION,
  writeLedgers,
  type Ledger,
} from "../reference-values/ledger.ts";
import { joinReferenceValues, unwritableEntries } from "../reference-values/merge.ts";
import { fullest, gauge, type Gauge } from "./gauge.ts";
import { userDataGauge } from "./user-data.ts";

/**
 * Limit of all annotations of an object, keys and values.
 * @see
 *   https://github.com/kubernetes/kubernetes/blob/v1.37.2/staging/src/k8s.io/apimachinery/pkg/api/validation/objectmeta.go
 *   (`TotalAnnotationSizeLimitB`)
 */
const ANNOTATIONS_LIMIT = 256 * 1024;

/**
 * Limit of all values of a ConfigMap. @see
 * https://kubernetes.io/docs/concepts/configuration/configmap/#motivation
 */
const CONFIG_MAP_LIMIT = 1024 * 1024;

/** The gauge of one pod. */
interface PodGauge extends Gauge {
  readonly pod: string;
  /** The pod's path in the settings. */
  readonly path: string;
}

/** The gauge of an object that all pods share. */
export interface SharedGauge extends Gauge {
  /** How many pods of this size fit; absent without pods. */
  readonly podsThatFit?: number;
}

/** How full everything with a limit is. */
export interface Budget {
  /** One gauge per pod. */
  readonly annotations: readonly PodGauge[];
  /** One gauge per pod on a cloud with a limit. */
  readonly userData: readonly (PodGauge & { readonly cloud: Cloud })[];
  readonly resourcePolicy: SharedGauge;
  readonly referenceValues: SharedGauge;
  /** The ledger of our digests, an annotation of the reference values' ConfigMap. */
  readonly referenceValuesLedger: SharedGauge;
  /** Policy and ledger during the grace period; absent if no initdata is about to change. */
  readonly whileChanging?: { readonly resourcePolicy: Gauge; readonly referenceValuesLedger: Gauge };
}

/** The live contents of the same ConfigMaps. */
export interface LiveTexts {
  /** The resource policy. */
  readonly policy: Before;
  /** The reference values, in the format of their key. */
  readonly referenceValues: Before;
  readonly referenceValuesKey: string;
  /** Lines of other stacks that the policy lost, restored with the next write. @default none */
  readonly vanished?: readonly StackGrants[];
  /** The policy's key. @default unknown */
  readonly policyKey?: string;
  /** Bytes of the other keys of the policy's ConfigMap. @default 0 */
  readonly policyOtherBytes?: number;
  /** Bytes of the other keys of the reference values' ConfigMap. @default 0 */
  readonly referenceValuesOtherBytes?: number;
  /** The annotations of that ConfigMap, with other stacks' part of the ledger. @default none */
  readonly referenceValuesAnnotations?: Readonly<Record<string, string>>;
}

function shared(used: number, without: number, limit: number, pods: number): SharedGauge {
  const each = pods === 0 ? 0 : (used - without) / pods;
  if (each <= 0) return gauge(used, limit);
  return { ...gauge(used, limit), podsThatFit: Math.max(0, Math.floor((limit - without) / each)) };
}

function annotationBytes(annotations: Readonly<Record<string, string>>): number {
  return Object.entries(annotations).reduce(
    (sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value),
    0,
  );
}

const MARK = "0".repeat(OWNER_MARK_LENGTH);
const IDENTITY = "0".repeat(IDENTITY_LENGTH);

/** The stack's line after its first `up`. Before that it has no identity yet. */
export function ownLine({ grants }: Plan): StackGrants {
  return { ...grants, owner: MARK, identity: grants.identity ?? IDENTITY };
}

/** What the policy keeps accepting during the grace period. */
export function previousOf({ grants, rotation }: Plan, { policy }: LiveTexts): PreviousGrants {
  const registry = parseRegistry(policy);
  const declared = registry?.stacks.find(({ stack }) => stack === grants.stack)?.secrets ?? {};
  return { rotation, declared };
}

/** The policy during the grace period, while both the current and the previous digests are accepted. */
function changingPolicyGauge(plan: Plan, live: LiveTexts): Gauge {
  const { policy, policyOtherBytes = 0, vanished } = live;
  const text = joinPolicy(policy, ownLine(plan), policy, previousOf(plan, live), vanished);
  return gauge(policyOtherBytes + Buffer.byteLength(text), CONFIG_MAP_LIMIT);
}

function policyGauge(plan: Plan, { policy: live, policyOtherBytes = 0, vanished }: LiveTexts): SharedGauge {
  const size = (secrets: Plan["grants"]["secrets"]): number => {
    const text = joinPolicy(live, { ...ownLine(plan), secrets }, live, undefined, vanished);
    return policyOtherBytes + Buffer.byteLength(text);
  };
  const readers = new Set(listGrants(plan.grants.secrets).map(({ reader }) => reader));
  const bare = Object.fromEntries(Object.keys(plan.grants.secrets).map((secret) => [secret, {}]));
  return shared(size(plan.grants.secrets), size(bare), CONFIG_MAP_LIMIT, readers.size);
}

/** Our owner in the ledger: the stack's identity and the resource's URN, at a typical length. */
const OWNER = `${IDENTITY}@urn:pulumi:`.padEnd(190 + IDENTITY.length, "x");

/** Annotations that are not this stack's: other stacks' part of the ledger, and everything else. */
function otherAnnotationBytes(annotations: Readonly<Record<string, string>>, stack: string): number {
  const { [REFERENCE_VALUES_LEDGER_ANNOTATION]: record, ...rest } = annotations;
  const ledgers = mapValues(readLedgers(record), ({ before: _, ...ledger }): Ledger => {
    const owners = Object.entries(ledger.owners).filter(([owner]) => !isOfStack(owner, stack));
    const theirs = new Set(owners.flatMap(([, digests]) => Object.values(digests).flat()));
    const added = mapValues(ledger.added, (digests) => digests.filter((digest) => theirs.has(digest)));
    return { ...ledger, owners: Object.fromEntries(owners), added };
  });
  const name = Buffer.byteLength(REFERENCE_VALUES_LEDGER_ANNOTATION);
  const shared = Buffer.byteLength(writeLedgers(ledgers) ?? "");
  return annotationBytes(rest) + (shared === 0 ? 0 : name + shared);
}

/** The reference values after the update. */
function joined({ referenceValues, referenceValuesKey: key }: LiveTexts, wanted: Plan["digests"]): string {
  const term = { expiration: "2000-01-01T00:00:00Z", renewBefore: "" };
  const terms = Object.fromEntries(Object.keys(wanted).map((name) => [name, term]));
  const closed = new Set(unwritableEntries(key, referenceValues, wanted).map(({ name }) => name));
  const open = Object.fromEntries(Object.entries(wanted).filter(([name]) => !closed.has(name)));
  const request = { key, live: referenceValues, ledger: EMPTY_LEDGER, owner: OWNER, wanted: open, terms };
  return joinReferenceValues(request).content ?? "";
}

function valuesGauges(plan: Plan, live: LiveTexts): readonly [SharedGauge, SharedGauge, Gauge] {
  const { digests, readers, changing } = plan;
  const { referenceValuesKey: key, referenceValuesOtherBytes: beside = 0 } = live;
  const registered = readers.filter((reader) => reader.registered).length;
  const text = joined(live, digests);
  const used = Buffer.byteLength(text);
  // Our values of earlier runs are estimated: removing them takes longer the more there are.
  const present = readDocument(key, live.referenceValues).entries.reduce((sum, { name, values }) => {
    const mine = new Set(own(digests, name));
    return sum + values.filter((value) => mine.has(value)).length;
  }, 0);
  const estimated = present * 68 * (formatOf(key, live.referenceValues) === "map" ? 4 / 3 : 1);
  const others = Math.max(0, Math.round(Buffer.byteLength(live.referenceValues ?? "") - estimated));
  // The ledger keeps the original text, if it is short, and each digest twice: as added and as wanted.
  const before = others > LONGEST_BEFORE || used === 0 ? 0 : (JSON.stringify(text).length * others) / used;
  const elsewhere = otherAnnotationBytes(live.referenceValuesAnnotations ?? {}, plan.grants.stack);
  const ledger = (mine: Plan["digests"], retiring: readonly string[] = []): number => {
    const record = { before: "", added: mine, created: {}, owners: { [OWNER]: mine } };
    const held = retiring.length === 0 ? record : { ...record, retiring: { [OWNER]: retiring } };
    const written = writeLedgers({ [key]: held });
    return Buffer.byteLength(written ?? "") + Math.round(before) + elsewhere;
  };
  // One previous digest per changing pod, in the same entry. All digests of an entry have about the same
  // length.
  const both = mapValues(digests, (list) => [
    ...list,
    ...changing.map((_, index) => "f".repeat(list[index % list.length]?.length ?? 0)),
  ]);
  const retiring = changing.map(() => "f".repeat(64));
  return [
    shared(used + beside, others + beside, CONFIG_MAP_LIMIT, registered),
    shared(ledger(digests), ledger({}), ANNOTATIONS_LIMIT, registered),
    gauge(ledger(both, retiring), ANNOTATIONS_LIMIT),
  ];
}

/** @param cloud where peer pods run. @default azure for pods with binding azure-vtpm, else no limit */
export function budgetOf(plan: Plan, live: LiveTexts, cloud?: Cloud): Budget {
  const annotations = plan.pods.map((pod, index) => ({
    ...gauge(annotationBytes(podAnnotations(pod)), ANNOTATIONS_LIMIT),
    pod: pod.declaration.id,
    path: `pods[${index}]`,
  }));
  const userData = plan.pods.flatMap(({ declaration, annotation }, index) => {
    const where = cloud ?? (declaration.binding === "azure-vtpm" ? "azure" : "libvirt");
    const full = userDataGauge(where, annotation);
    return full === undefined ? [] : [{ ...full, pod: declaration.id, path: `pods[${index}]`, cloud: where }];
  });
  const [referenceValues, referenceValuesLedger, changingLedger] = valuesGauges(plan, live);
  const whileChanging = {
    resourcePolicy: changingPolicyGauge(plan, live),
    referenceValuesLedger: changingLedger,
  };
  return {
    annotations,
    userData,
    resourcePolicy: policyGauge(plan, live),
    referenceValues,
    referenceValuesLedger,
    ...(plan.changing.length === 0 ? {} : { whileChanging }),
  };
}

/** The budget as a stack output, with only the fullest pod. It shows the state after the grace period. */
export function budgetReport(budget: Budget): Readonly<Record<string, unknown>> {
  const most = <T extends PodGauge>(gauges: readonly T[]): Omit<T, "path"> | undefined => {
    const one = fullest(gauges);
    if (one === undefined) return undefined;
    const { path: _, ...rest } = one;
    return rest;
  };
  const { annotations, userData, whileChanging: _, ...shared } = budget;
  return defined({ annotations: most(annotations), userData: most(userData), ...shared });
}
