import { withoutHardware } from "../access/matrix.ts";
import type { ServedSecrets } from "../initdata/guest-needs.ts";
import type { IssueCode } from "../issue-codes.ts";
import type { Issues } from "../issues.ts";
import type { Plan } from "../plan/plan.ts";
import { shownLine } from "../shown.ts";
import { unwritable } from "../reference-values/document.ts";
import { formatOf } from "../trustee/format.ts";
import { unwritableEntries } from "../reference-values/merge.ts";
import { isCreated } from "../settings/references.ts";
import type { Settings } from "../settings/schema.ts";
import { trusteeNames } from "../trustee/generation.ts";
import { agentRequestWarnings } from "./agent-requests.ts";
import { budgetOf, type Budget, type LiveTexts, type SharedGauge } from "./budget.ts";
import { checkCertificate, type ServedEndpoint } from "./certificate.ts";
import { fileEndpointWarnings, initdataFiles } from "./file-endpoints.ts";
import { gaugeText, grouped, isNearlyFull, isOver, type Gauge } from "./gauge.ts";
import { checkGuestNeeds } from "./guest-needs.ts";
import { checkPolicyLimits } from "./policy-limits.ts";
import {
  annotationWarnings,
  bindingWarnings,
  duplicateWarnings,
  imageWarnings,
  secretKeyWarnings,
  sharedInitdataWarnings,
} from "./warnings.ts";

/** The live state of Trustee, as the guards need it. */
export interface LiveTrustee extends LiveTexts {
  /** The URL of the KBS for guests. */
  readonly url: string;
  /** The certificate that guests trust, PEM: the KBS's own if it is self-signed. Absent: their own store. */
  readonly certificate?: string | undefined;
  /** What the KBS serves, PEM, its own certificate first. `null`: unknown. @default `certificate` */
  readonly servedCertificate?: string | null | undefined;
  /** The Secret with both. Absent: there is none, and what is served is unknown. */
  readonly certificateSecret?: string | undefined;
  /** The live `spec.kbsSecretResources`. */
  readonly registeredSecrets: readonly string[];
  /** Registered secrets that do not exist. @default none */
  readonly missingSecrets?: readonly string[];
  /** Secret -> the names of its keys, if they can be read. @default none */
  readonly secretKeys?: Readonly<Record<string, readonly string[]>>;
}

/** The results other than issues. */
interface Guarded {
  readonly budget: Budget;
  /** Whole sentences, in a fixed order. */
  readonly warnings: readonly string[];
}

/** A limit in words: its code, its path, its gauge, and how to reduce it. */
interface Limit {
  readonly code: IssueCode;
  readonly gauge: Gauge;
  readonly path: string;
  readonly what: string;
  readonly fix: string;
}

const POLICY = "the resource policy in its ConfigMap";
const LEDGER = "the record of our digests on the ConfigMap of the reference values";

function limitsOf(budget: Budget): readonly Limit[] {
  const smaller = "Make its initdata smaller: fewer claims and commands, a shorter certificate chain.";
  const fewer =
    "Put some of the pods on another Trustee, or let pods that may read the same share their initdata.";
  const ofPod = (gauge: Gauge & { readonly path: string }, what: string, fix: string): Limit => ({
    ...{ code: "TA911", gauge, path: gauge.path, what: `${what}: ${gaugeText(gauge)}`, fix },
  });
  const shared = (gauge: SharedGauge, path: string, what: string): Limit => {
    const { podsThatFit } = gauge;
    const fit = podsThatFit === undefined ? "" : `; ${grouped(podsThatFit)} pods like these fit`;
    return { code: "TA912", gauge, path, what: `${what}: ${gaugeText(gauge)}${fit}`, fix: fewer };
  };
  return [
    ...budget.annotations.map((one) =>
      ofPod(one, `annotations of ${one.pod}`, "Make its annotations smaller."),
    ),
    ...budget.userData.map((one) => ofPod(one, `user data of ${one.pod} on ${one.cloud}`, smaller)),
    shared(budget.resourcePolicy, "grants", POLICY),
    shared(budget.referenceValues, "pods", "the reference values in their ConfigMap"),
    shared(budget.referenceValuesLedger, "pods", LEDGER),
  ];
}

/** The gauges during the grace period, if only the grace period exceeds the limit. */
function changingLimits({ whileChanging, resourcePolicy, referenceValuesLedger }: Budget): readonly Limit[] {
  if (whileChanging === undefined) return [];
  const fix = "Change fewer pods at a time, or set rotation: at-once.";
  const limit = (what: string, gauge: Gauge, after: Gauge): Limit[] => {
    const words = `${what}, during the grace period: ${gaugeText(gauge)}`;
    return isOver(after) || !isOver(gauge)
      ? []
      : [{ code: "TA913", gauge, path: "rotation", what: words, fix }];
  };
  return [
    ...limit(POLICY, whileChanging.resourcePolicy, resourcePolicy),
    ...limit(LEDGER, whileChanging.referenceValuesLedger, referenceValuesLedger),
  ];
}

function checkLimits(budget: Budget, issues: Issues): readonly string[] {
  return [...limitsOf(budget), ...changingLimits(budget)].flatMap(({ code, gauge, path, what, fix }) => {
    if (isOver(gauge)) {
      issues.add({ code, path, given: what, allowed: `${grouped(gauge.limit)} bytes at most`, fix });
    }
    return isNearlyFull(gauge) ? [`${path}: ${what}. ${fix}`] : [];
  });
}

function authoritySetting({ trustee }: Settings): ServedEndpoint["authorityFrom"] {
  if (trustee.certificateAuthority !== undefined) return "trustee.certificateAuthority";
  return trustee.certificateAuthorityFile === undefined ? undefined : "trustee.certificateAuthorityFile";
}

/** The Secrets that the KBS will have: the registered ones, and those that this stack declares. */
function servedSecrets({ secrets }: Settings, live: LiveTrustee): ServedSecrets {
  const created = secrets
    .filter(isCreated)
    .map(({ name, keys }): [string, readonly string[]] => [name, keys]);
  return {
    registered: new Set([...live.registeredSecrets, ...secrets.map(({ name }) => name)]),
    missing: new Set(live.missingSecrets),
    keys: Object.fromEntries([...Object.entries(live.secretKeys ?? {}), ...created]),
  };
}

/** Adds an issue for each live entry that cannot hold the plan's digests. */
function checkWritable({ digests }: Plan, live: LiveTexts, issues: Issues): void {
  const { referenceValuesKey: key, referenceValues } = live;
  const place = { key, format: formatOf(key, referenceValues) };
  for (const entry of unwritableEntries(key, referenceValues, digests)) {
    issues.add({
      code: "TA812",
      path: "referenceValues.entries",
      given: unwritable(place, entry).text.replace(/\.? Nothing was written;.*$/, ""),
      allowed: "entries whose value is a list, or that do not exist yet",
      fix: "Name another entry, or make its value a list by hand.",
    });
  }
}

/**
 * Finds problems that would otherwise show up later, in a guest or at the API server.
 * @param now the current time
 * @param issues receives everything that would keep pods from their secrets
 */
export function guard(
  { settings, plan, live }: { readonly settings: Settings; readonly plan: Plan; readonly live: LiveTrustee },
  now: Date,
  issues: Issues,
): Guarded {
  checkWritable(plan, live, issues);
  const budget = budgetOf(plan, live, settings.podCluster.cloud);
  const { url, certificate, servedCertificate, certificateSecret } = live;
  const where = `Secret "${certificateSecret ?? trusteeNames.certificate}"`;
  const served = {
    url,
    certificate,
    served: servedCertificate,
    where,
    authorityFrom: authoritySetting(settings),
    isGenerated: plan.pods.some(({ facts }) => facts === undefined),
    urlFrom: settings.trustee.url === url ? "setting" : "route",
  } as const;
  const warnings = [
    ...checkLimits(budget, issues),
    ...checkPolicyLimits(plan, live, issues),
    ...checkCertificate(served, now, issues),
    ...withoutHardware(plan.matrix.rows).map(
      (line) =>
        `${line}: anybody who knows their initdata, which is public, can read what is granted to them. Use this only on development clusters.`,
    ),
    ...annotationWarnings(plan),
    ...sharedInitdataWarnings(settings, plan),
    ...bindingWarnings(settings),
    ...secretKeyWarnings(settings, live.secretKeys),
    ...imageWarnings(plan.pods),
    ...agentRequestWarnings(plan),
    ...initdataFiles(plan).flatMap(({ path, facts }) => facts.flaws.map(({ words }) => `${path}: ${words}`)),
    ...fileEndpointWarnings(initdataFiles(plan), served, now),
    ...duplicateWarnings(live.referenceValuesKey, live.referenceValues),
    ...checkGuestNeeds(
      plan,
      { policy: live.policy, vanished: live.vanished, ...servedSecrets(settings, live) },
      issues,
    ),
  ];
  // They quote live objects and files, and are printed as they are.
  return { budget, warnings: warnings.map(shownLine) };
}
