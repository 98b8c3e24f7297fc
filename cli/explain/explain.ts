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
import { shownLines } from "../../core/policy/shown-name.ts";
import { vanishedWords } from "../../core/policy/vanished.ts";
import { lostStacks } from "../lint/stacks.ts";
import { readPodClaims, type PodClaims } from "../audit/pod-claims.ts";
import { lackedNeeds, needsSide } from "../audit/pod-needs.ts";
import { tellClaim, type ToldClaim } from "../audit/told-claim.ts";

/** Everything that one cell is explained by. */
export interface CellFacts {
  readonly trustee: TrusteeFacts;
  /** `namespace/name`. */
  readonly podName: string;
  /** `undefined`: there is no such pod. */
  readonly pod: PodFacts | undefined;
  readonly secret: string;
  readonly key: string;
  readonly answers: PolicyAnswers;
  /** The annotation that the pod's stack declares, where a stack was named. */
  readonly declared?: string | undefined;
  /** The stack that was named, and how it calls the pod, where that is one of its own. */
  readonly stack?: StackFacts | undefined;
  readonly reader?: string | undefined;
  /** What the pods' cluster gives to a pod that has no initdata; absent: nothing. */
  readonly globalInitdata?: GlobalInitdata | undefined;
  /** The log of each pod of the KBS. */
  readonly log: readonly PodLog[];
}

/** The pod with the claim that it makes; `undefined`: it has no initdata that could be read. */
function claimantOf({ trustee, pod, stack, reader }: CellFacts): Claimant | undefined {
  const claims = pod === undefined ? undefined : readPodClaims(pod);
  if (pod === undefined || claims === undefined || "problem" in claims) return undefined;
  const claim = tellClaim(pod, claims, { trustee, stack, reader });
  return claim === undefined ? undefined : { pod, claims, claim };
}

interface Claimant {
  readonly pod: PodFacts;
  readonly claims: PodClaims;
  readonly claim: ToldClaim;
}

/** Stacks that restricted the secret, whose grants the policy has lost. */
function lostGrants({ trustee, secret }: CellFacts): readonly string[] {
  const lost = lostStacks(trustee).filter(({ line }) => Object.hasOwn(line.secrets, secret));
  return lost.map(
    (stack) => `The policy has lost the grants of ${vanishedWords(stack)}. Run pulumi up of it.`,
  );
}

/** What the pod's guest needs to start and does not get. */
function startupConditions(
  { trustee, pod, answers, secret, key }: CellFacts,
  claim: ToldClaim | undefined,
): readonly Condition[] {
  const claims = pod === undefined ? undefined : readPodClaims(pod);
  if (claims === undefined || "problem" in claims) return [];
  // Of the one that is asked for, the other conditions tell.
  const needs = claims.needs.filter(({ place }) => place?.secret !== secret || place.key !== key);
  return [
    ...claims.flaws.map((detail): Condition => ({ id: "startup", status: "fails", detail })),
    ...lackedNeeds(needsSide(trustee), { ...claims, needs }, claim, answers).map(
      ({ name, words, next }): Condition => ({
        id: "startup",
        status: "fails",
        detail: `its ${name}: ${words}`,
        next,
      }),
    ),
  ];
}

function conditionsOf(facts: CellFacts, last: Explanation["log"]): readonly Condition[] {
  const isGiven = typeof last === "object" && last.own && last.outcome === "given";
  const { trustee, pod, secret, key, answers, declared, stack } = facts;
  const claimant = claimantOf(facts);
  return [
    podCondition(pod),
    ...(pod === undefined
      ? []
      : [initdataCondition(pod, readPodClaims(pod), claimant?.claim, facts.globalInitdata)]),
    ...(pod === undefined || declared === undefined ? [] : [declaredCondition(pod, declared)]),
    ...(claimant === undefined
      ? []
      : [uneditedCondition(claimant.pod), ...bindingConditions(claimant.pod, claimant.claim)]),
    ...startupConditions(facts, claimant?.claim),
    registeredCondition(trustee, secret),
    existsCondition(trustee, secret, key),
    trusteeCondition(trustee),
    currentCondition(trustee, secret),
    ...(claimant === undefined
      ? []
      : [
          referenceCondition(trustee, claimant.pod, claimant.claim, stack),
          ...measurementsCondition(trustee, claimant.pod, claimant.claim, isGiven),
          policyCondition({ trustee, answers, ...claimant, secret, key }),
        ]),
  ];
}

/** Which failure explains the denial, where several conditions fail: first what keeps the others from counting. */
const weight: readonly Condition["id"][] = [
  "initdata",
  "registered",
  "exists",
  "trustee",
  "reference",
  "measurements",
  "policy",
  "startup",
  "pod",
];

function because(
  verdict: Explanation["verdict"],
  conditions: readonly Condition[],
  last: Explanation["log"],
): string {
  if (verdict === "denied") {
    const fails = conditions.filter(({ status }) => status === "fails");
    const isDown = fails.some(({ id }) => id === "pod");
    // What a pod that runs would start with keeps nothing from it.
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
    const said = typeof last === "object" && last.own ? ` The KBS's ${last.what}.` : "";
    return `Nothing is known to deny it, but ${open.join("; and ")}.${said}`;
  }
  const policy = conditions.find(({ id }) => id === "policy");
  return `Because the pod attests well, and ${policy?.detail ?? ""}.`;
}

/** Why a pod is, or is not, given a secret: every condition, with what was expected and what was seen. */
export function explain(facts: CellFacts): Explanation {
  const { log, podName, pod, secret, key } = facts;
  const last = lastRequest(log, secret, key, pod?.address);
  const conditions = conditionsOf(facts, last);
  // Other initdata than declared, and what a pod that runs could not start with again, are told, but deny nothing by themselves;
  // who wrote the annotation is often not seen.
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
  const next = conditions
    .filter(({ status }) => status !== "holds")
    .flatMap((condition) => (condition.next === undefined ? [] : [condition.next]));
  return shownLines({
    pod: podName,
    secret: `${secret}/${key}`,
    verdict,
    because: because(verdict, conditions, last),
    conditions,
    ...(last === undefined ? {} : { log: last }),
    next: [
      ...new Set(next),
      ...lostGrants(facts),
      ...(disagrees
        ? ["The KBS's log says otherwise: that may be an older answer. Ask again: npx trustee-access verify."]
        : []),
    ],
  });
}
