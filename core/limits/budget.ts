import { podAnnotations } from "../plan/annotations.ts";
import type { Plan } from "../plan/plan.ts";
import type { Before } from "../policy/registry.ts";
import { joinPolicy } from "../policy/share.ts";
import { EMPTY_LEDGER, LONGEST_BEFORE } from "../reference-values/ledger.ts";
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
    Buffer.byteLength(joinPolicy(live, { ...plan.grants, secrets }));
  const readers = new Set(
    Object.values(plan.grants.secrets).flatMap((keys) =>
      Object.values(keys).flatMap((names) => Object.values(names)),
    ),
  );
  const bare = Object.fromEntries(Object.keys(plan.grants.secrets).map((secret) => [secret, {}]));
  return shared(size(plan.grants.secrets), size(bare), CONFIG_MAP_LIMIT, readers.size);
}

/** Our owner's name in the ledger is the resource's URN, of about this length. */
const OWNER_LENGTH = 200;

function valuesGauges(
  plan: Plan,
  { referenceValues, referenceValuesKey }: LiveTexts,
): readonly [SharedGauge, SharedGauge] {
  const registered = plan.readers.filter((reader) => reader.registered).length;
  const size = (live: Before, wanted: Plan["digests"]): number =>
    Buffer.byteLength(
      joinReferenceValues({
        key: referenceValuesKey,
        live,
        ledger: EMPTY_LEDGER,
        owner: "",
        wanted,
        expiration: "2000-01-01T00:00:00Z",
        renewBefore: "",
      }).content ?? "",
    );
  const used = size(referenceValues, plan.digests);
  // What is live already may hold ours from before: so they are sized in a document of their own.
  const own = size(null, plan.digests) - size(null, {});
  const others = Math.max(0, used - own);
  const digests = Buffer.byteLength(JSON.stringify(plan.digests));
  // Each digest stands there twice: as added, and as wanted by this stack. What was there before comes on top, if it is short.
  const remembered = others > LONGEST_BEFORE ? 0 : others;
  return [
    shared(used, others, CONFIG_MAP_LIMIT, registered),
    shared(2 * digests + remembered + OWNER_LENGTH, remembered + OWNER_LENGTH, ANNOTATIONS_LIMIT, registered),
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
