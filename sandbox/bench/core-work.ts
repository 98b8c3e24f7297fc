import { makePlan, type Plan } from "../../core/plan/plan.ts";
import { joinPolicy } from "../../core/policy/share.ts";
import { EMPTY_LEDGER } from "../../core/reference-values/ledger.ts";
import { joinReferenceValues } from "../../core/reference-values/merge.ts";
import { parseSettings, type Settings } from "../../core/settings/settings.ts";
import { fleetSettings } from "./fleet.ts";
import { cost, median } from "./measure.ts";

const trustee = {
  url: "https://kbs.example.com",
  certificate: `-----BEGIN CERTIFICATE-----\n${"M".repeat(1600)}\n-----END CERTIFICATE-----\n`,
};
const STACK = "organization/trustee-access/bench";
const SUBJECT = "the fleet";

/** The cost of the core for one number of pods: medians of CPU time in milliseconds. */
export interface CoreResult {
  readonly pods: number;
  readonly settings: number;
  /** Initdata, digests, annotations, matrix, and the diff with the live policy. */
  readonly plan: number;
  readonly policy: number;
  readonly referenceValues: number;
  readonly total: number;
  readonly perPod: number;
}

function once(pods: number): Omit<CoreResult, "pods" | "total" | "perPod"> {
  const times = Math.ceil(300 / pods);
  const raw = { ...fleetSettings(pods) };
  const plan = (settings: Settings, policy: string | null): Plan =>
    makePlan(settings, { ...trustee, policy }, { files: {} }, STACK, SUBJECT);
  const [parsed, settings] = cost(times, () => parseSettings(raw, {}, SUBJECT));
  // As in a no-change preview: the live policy already contains the stack.
  const live = joinPolicy(null, plan(parsed, null).grants);
  const [{ grants, digests }, planned] = cost(times, () => plan(parsed, live));
  const [, policy] = cost(times, () => joinPolicy(live, grants));
  const term = { expiration: "2027-01-01T00:00:00Z", renewBefore: "" };
  const terms = Object.fromEntries(Object.keys(digests).map((name) => [name, term]));
  const [, referenceValues] = cost(times, () =>
    joinReferenceValues({
      key: "reference-values.json",
      live: "[]",
      ledger: EMPTY_LEDGER,
      owner: "fleet",
      wanted: digests,
      terms,
    }),
  );
  return { settings, plan: planned, policy, referenceValues };
}

/** Measures the core in this process, after one warm-up run. */
export function benchCore(pods: number, runs: number): CoreResult {
  once(pods);
  const results: ReturnType<typeof once>[] = [];
  for (let run = 0; run < runs; run++) results.push(once(pods));
  const of = (part: keyof ReturnType<typeof once>): number => median(results.map((one) => one[part]));
  const parts = {
    settings: of("settings"),
    plan: of("plan"),
    policy: of("policy"),
    referenceValues: of("referenceValues"),
  };
  const total = Object.values(parts).reduce((sum, part) => sum + part, 0);
  return { pods, ...parts, total, perPod: total / pods };
}
