import { lastRequest, type PodLog } from "./log.ts";
import {
  bindingConditions,
  declaredCondition,
  initdataCondition,
  podCondition,
  uneditedCondition,
} from "./pod.ts";
import { policyCondition } from "./policy.ts";
import { measurementsCondition } from "./measurements.ts";
import { referenceCondition } from "./reference-values.ts";
import { currentCondition, existsCondition, registeredCondition, trusteeCondition } from "./trustee.ts";
import type { Condition, Explanation } from "./explanation.ts";
import type { GlobalInitdata, PodFacts, PolicyAnswers, StackFacts, TrusteeFacts } from "../audit/facts.ts";
import { shownLines } from "../../core/shown.ts";
import { defined } from "../../core/records.ts";
import { vanishedWords } from "../../core/policy/vanished.ts";
import { lostStacks } from "../lint/stacks.ts";
import { readableClaims, type PodClaims } from "../audit/pod-claims.ts";
import { lackedNeeds, needsSide } from "../questions/pod-needs.ts";
import { likelyClaim, type LikelyClaim } from "../audit/likely-claim.ts";

/** Everything that explain knows of one cell. */
export interface CellFacts {
  readonly trustee: TrusteeFacts;
  /** `namespace/name`. */
  readonly podName: string;
  /** `undefined`: there is no such pod. */
  readonly pod: PodFacts | undefined;
  readonly secret: string;
  readonly key: string;
  readonly answers: PolicyAnswers;
  /** The annotation that the pod's stack declares; only with a stack. */
  readonly declared?: string | undefined;
  /** The named stack, and the pod's name in it. */
  readonly stack?: StackFacts | undefined;
  readonly reader?: string | undefined;
  /** Initdata that the pods' cluster gives to pods without; absent: none. */
  readonly globalInitdata?: GlobalInitdata | undefined;
  /** The log of each pod of the KBS. */
  readonly log: readonly PodLog[];
}

/** Stacks that restricted the secret and whose grants the policy has lost. */
function lostGrants({ trustee, secret }: CellFacts): readonly string[] {
  const lost = lostStacks(trustee).filter(({ line }) => Object.hasOwn(line.secrets, secret));
  return lost.map(
    (stack) => `The policy has lost the grants of ${vanishedWords(stack)}. Run pulumi up of that stack.`,
  );
}

/** Secrets that the pod's guest needs to start and does not get. */
function startupConditions(
  { trustee, answers, secret, key }: CellFacts,
  claims: PodClaims,
  claim: LikelyClaim | undefined,
): readonly Condition[] {
  const failed = { id: "startup", status: "fails" } as const;
  // The other conditions cover the requested secret.
  const needs = claims.needs.filter(({ place }) => place?.secret !== secret || place.key !== key);
  return [
    ...claims.flaws.map((detail) => ({ ...failed, detail })),
    ...lackedNeeds(needsSide(trustee), { ...claims, needs }, claim, answers).map(({ name, words, next }) => ({
      ...failed,
      detail: `its ${name}: ${words}`,
      next,
    })),
  ];
}

function conditionsOf(facts: CellFacts, last: Explanation["log"]): readonly Condition[] {
  const { trustee, pod, secret, key, answers, declared, stack, reader } = facts;
  const claims = readableClaims(pod);
  const claim = pod && claims && likelyClaim(pod, claims, { trustee, stack, reader });
  const conditions = [podCondition(pod)];
  if (pod !== undefined) {
    conditions.push(initdataCondition(pod, claim, facts.globalInitdata));
    if (declared !== undefined) conditions.push(declaredCondition(pod, declared));
    if (claim !== undefined) conditions.push(uneditedCondition(pod), ...bindingConditions(pod, claim));
    if (claims !== undefined) conditions.push(...startupConditions(facts, claims, claim));
  }
  conditions.push(
    registeredCondition(trustee, secret),
    existsCondition(trustee, secret, key),
    trusteeCondition(trustee),
    currentCondition(trustee, secret),
  );
  if (pod !== undefined && claims !== undefined && claim !== undefined) {
    const isGiven = typeof last === "object" && last.own && last.outcome === "given";
    conditions.push(
      referenceCondition(trustee, pod, claim, stack),
      ...measurementsCondition(trustee, pod, claim, isGiven),
      policyCondition({ trustee, answers, pod, claims, claim, secret, key }),
    );
  }
  return conditions;
}

/** If several conditions fail, the first in this order explains the denial. */
const weight: readonly Condition["id"][] = [
  ...(["initdata", "registered", "exists", "trustee", "reference"] as const),
  ...(["measurements", "policy", "startup", "pod"] as const),
];

function because(
  verdict: Explanation["verdict"],
  conditions: readonly Condition[],
  last: Explanation["log"],
): string {
  if (verdict === "denied") {
    const fails = conditions.filter(({ status }) => status === "fails");
    const isDown = fails.some(({ id }) => id === "pod");
    // A running pod no longer needs what it started with.
    const failed = weight.flatMap((id) =>
      fails.filter((one) => one.id === id && (id !== "startup" || isDown)),
    );
    const [first, ...more] = failed;
    const rest = more.length === 0 ? "" : ` (and ${more.length} more, below)`;
    return `Because ${first?.detail ?? "a condition fails"}${rest}.`;
  }
  if (verdict === "uncertain") {
    const open = conditions
      .filter(({ status }) => status === "unknown")
      .map(({ detail }) => detail.replace(/\.$/, ""));
    const logged = typeof last === "object" && last.own ? ` The KBS's ${last.what}.` : "";
    return `Nothing is known to deny it, but ${open.join("; and ")}.${logged}`;
  }
  const policy = conditions.find(({ id }) => id === "policy");
  return `Because the pod attests well, and ${policy?.detail ?? ""}.`;
}

/** Why a pod gets a secret or does not: every condition, with expected and actual values. */
export function explain(facts: CellFacts): Explanation {
  const { log, podName, pod, secret, key } = facts;
  const last = lastRequest(log, secret, key, pod?.address);
  const conditions = conditionsOf(facts, last);
  // Reported, but not a denial: other initdata than declared, and what a running pod could not restart with.
  const fails = conditions.some(
    ({ id, status }) => status === "fails" && id !== "declared" && id !== "startup",
  );
  const unknown = conditions.some(({ status, next }) => status === "unknown" && next !== undefined);
  const verdict = fails ? "denied" : unknown ? "uncertain" : "allowed";
  const disagrees =
    typeof last === "object" &&
    last.own &&
    ((verdict === "allowed" && last.outcome === "denied") ||
      (verdict === "denied" && last.outcome === "given"));
  const next = conditions.flatMap(({ status, next: step }) =>
    status === "holds" || step === undefined ? [] : [step],
  );
  return shownLines({
    pod: podName,
    secret: `${secret}/${key}`,
    verdict,
    because: because(verdict, conditions, last),
    conditions,
    ...defined({ log: last }),
    next: [
      ...new Set(next),
      ...lostGrants(facts),
      ...(disagrees
        ? ["The KBS's log shows another answer, which may be older. Try again: npx trustee-access verify."]
        : []),
    ],
  });
}
