import { own } from "../own.ts";
import { podAnnotations } from "../plan/annotations.ts";
import type { Plan } from "../plan/plan.ts";
import type { Before } from "../policy/registry.ts";
import { OWNER_MARK_LENGTH } from "../policy/owner.ts";
import { joinPolicy } from "../policy/share.ts";
import { readDocument } from "../reference-values/document.ts";
import { formatOfKey } from "../reference-values/format.ts";
import { EMPTY_LEDGER, LONGEST_BEFORE, writeLedgers } from "../reference-values/ledger.ts";
import { joinReferenceValues } from "../reference-values/merge.ts";
import { fullest, gauge, type Gauge } from "./gauge.ts";
import { userDataGauge, type Cloud } from "./user-data.ts";

/**
 * All annotations of one object, keys and values.
 * @see https://github.com/kubernetes/kubernetes/blob/v1.37.2/staging/src/k8s.io/apimachinery/pkg/api/validation/objectmeta.go (`TotalAnnotationSizeLimitB`)
 */
const ANNOTATIONS_LIMIT = 256 * 1024;

/** All values of one ConfigMap. @see https://kubernetes.io/docs/concepts/configuration/configmap/#motivation */
const CONFIG_MAP_LIMIT = 1024 * 1024;

/** The gauge of one pod. */
export interface PodGauge extends Gauge {
  readonly pod: string;
  /** Where the pod stands in the settings. */
  readonly path: string;
}

/** The gauge of what all pods share. */
export interface SharedGauge extends Gauge {
  /** How many pods like these fit; absent where there is none to judge by. */
  readonly podsThatFit?: number;
}

/** How full everything is that has a limit. */
export interface Budget {
  /** Of every pod. */
  readonly annotations: readonly PodGauge[];
  /** Of every pod whose cloud sets a limit. */
  readonly userData: readonly (PodGauge & { readonly cloud: Cloud })[];
  readonly resourcePolicy: SharedGauge;
  readonly referenceValues: SharedGauge;
  /** The ledger of our digests, on the ConfigMap of the reference values. */
  readonly referenceValuesLedger: SharedGauge;
}

/** What is live in Trustee, as far as it fills the same ConfigMaps. */
export interface LiveTexts {
  readonly policy: Before;
  readonly referenceValues: Before;
  readonly referenceValuesKey: string;
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

function policyGauge(plan: Plan, live: Before): SharedGauge {
  const size = (secrets: Plan["grants"]["secrets"]): number =>
    Buffer.byteLength(joinPolicy(live, { ...plan.grants, owner: "0".repeat(OWNER_MARK_LENGTH), secrets }));
  const readers = new Set(
    Object.values(plan.grants.secrets).flatMap((keys) =>
      Object.values(keys).flatMap((names) => Object.values(names)),
    ),
  );
  const bare = Object.fromEntries(Object.keys(plan.grants.secrets).map((secret) => [secret, {}]));
  return shared(size(plan.grants.secrets), size(bare), CONFIG_MAP_LIMIT, readers.size);
}

/** Our owner's name in the ledger is the resource's URN, of about this length. */
const OWNER = "urn:pulumi:".padEnd(190, "x");

/** The reference values as they will be. */
function joined({ referenceValues, referenceValuesKey: key }: LiveTexts, wanted: Plan["digests"]): string {
  const term = { expiration: "2000-01-01T00:00:00Z", renewBefore: "" };
  const terms = Object.fromEntries(Object.keys(wanted).map((name) => [name, term]));
  const request = { key, live: referenceValues, ledger: EMPTY_LEDGER, owner: OWNER, wanted, terms };
  return joinReferenceValues(request).content ?? "";
}

function valuesGauges({ digests, readers }: Plan, live: LiveTexts): readonly [SharedGauge, SharedGauge] {
  const { referenceValuesKey: key } = live;
  const registered = readers.filter((reader) => reader.registered).length;
  const text = joined(live, digests);
  const used = Buffer.byteLength(text);
  // What of it is ours already, of earlier runs: estimated, since taking it out takes longer the more it is.
  const present = readDocument(key, live.referenceValues).entries.reduce((sum, { name, values }) => {
    const mine = new Set(own(digests, name));
    return sum + values.filter((value) => mine.has(value)).length;
  }, 0);
  const estimated = present * 68 * (formatOfKey(key) === "map" ? 4 / 3 : 1);
  const others = Math.max(0, Math.round(Buffer.byteLength(live.referenceValues ?? "") - estimated));
  // The ledger remembers the text from before, if it is short, and each digest twice: as added, and as wanted.
  const before = others > LONGEST_BEFORE || used === 0 ? 0 : (JSON.stringify(text).length * others) / used;
  const ledger = (mine: Plan["digests"]): number => {
    const written = writeLedgers({
      [key]: { before: "", added: mine, created: {}, owners: { [OWNER]: mine } },
    });
    return Buffer.byteLength(written ?? "") + Math.round(before);
  };
  return [
    shared(used, others, CONFIG_MAP_LIMIT, registered),
    shared(ledger(digests), ledger({}), ANNOTATIONS_LIMIT, registered),
  ];
}

/** @param cloud where peer pods run. @default azure for pods that an Azure vTPM binds, else no limit */
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
  const [referenceValues, referenceValuesLedger] = valuesGauges(plan, live);
  return {
    annotations,
    userData,
    resourcePolicy: policyGauge(plan, live.policy),
    referenceValues,
    referenceValuesLedger,
  };
}

/** The budget as a stack output: of the pods the fullest one. */
export function budgetReport(budget: Budget): Readonly<Record<string, unknown>> {
  const most = <T extends PodGauge>(gauges: readonly T[]): Omit<T, "path"> | undefined => {
    const one = fullest(gauges);
    if (one === undefined) return undefined;
    const { path: _, ...rest } = one;
    return rest;
  };
  const [annotations, userData] = [most(budget.annotations), most(budget.userData)];
  const { resourcePolicy, referenceValues, referenceValuesLedger } = budget;
  return {
    ...(annotations === undefined ? {} : { annotations }),
    ...(userData === undefined ? {} : { userData }),
    resourcePolicy,
    referenceValues,
    referenceValuesLedger,
  };
}
