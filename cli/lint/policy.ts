import { parseRegistry } from "../../core/policy/registry.ts";
import { shownName } from "../../core/shown.ts";
import { STRANGER } from "../questions/oddities.ts";
import type { LiveFacts, PolicyAnswer } from "../audit/facts.ts";
import { policyPlace, type Finding, type Place } from "./finding.ts";
import { readableClaims } from "../audit/pod-claims.ts";
import { lintLimits, lintNobody, lintUnjudged } from "./nobody.ts";
import { ANY_KEY } from "../audit/policy-text.ts";
import {
  askedKeys,
  kbsOf,
  kindFacts,
  oddRequests,
  triedDigests,
  type AskedKey,
  type KindFacts,
} from "../questions/questions.ts";
import {
  badStrangers,
  badTokens,
  emptyTokens,
  EVERYBODY,
  partlyBadToken,
  strangers,
  strangerToken,
  whoText,
} from "../questions/tokens.ts";
import { liveGrants, livePolicy } from "../audit/trustee-view.ts";
import { installOpa } from "../audit/unjudged.ts";

/** A key that strangers may read. */
interface OpenKey extends AskedKey {
  /** Which strangers. */
  readonly who: string;
}

/** The operators' sample secrets, which every pod may read. */
const samples: readonly string[] = ["kbsres1", "attestation-status"];

/** Lists some of the asked keys. If they include all keys of a secret, only the secret is named. */
function keysText(some: readonly AskedKey[], all: readonly AskedKey[]): string {
  const secrets = [...Map.groupBy(some, ({ secret }) => secret)].map(([secret, own]) => {
    const name = shownName(secret);
    if (own.length === all.filter((one) => one.secret === secret).length) return `"${name}"`;
    return own
      .map(({ key }) => (key === ANY_KEY ? `any further key of "${name}"` : `"${name}/${shownName(key)}"`))
      .join(", ");
  });
  return secrets.join(", ");
}

function isFailure(answer: PolicyAnswer | undefined): answer is Exclude<PolicyAnswer, boolean> {
  return typeof answer === "object";
}

/** Why the policy does not compile, if it does not. */
function compileError({ ask, askFor }: KindFacts, secrets: readonly AskedKey[]): string | undefined {
  const answers = [...secrets.map((asked) => askFor(asked, strangerToken)), ask({}, strangerToken)];
  return answers.filter(isFailure).find(({ failed }) => failed === "policy")?.message;
}

/** TA002: an error for this Trustee's usual KBS, a warning for one that an upgrade installs. */
function lintCompile(
  kinds: readonly KindFacts[],
  secrets: readonly AskedKey[],
  where: Place,
): readonly Finding[] {
  const id = "TA002";
  const [usual, ...others] = kinds.map((facts) => {
    const error = compileError(facts, secrets);
    return error === undefined ? undefined : `${kbsOf(facts.kind)} cannot compile the policy: ${error}.`;
  });
  if (usual !== undefined) {
    const why =
      "It denies every request, including the one for the pods' image policy, so no new pod starts.";
    const fix = "Correct the policy. Check it with: opa check (--v0-compatible for KBS up to v0.16).";
    return [{ id, severity: "error", where, what: usual, why, fix }];
  }
  const why =
    "The policy only works with older KBS versions. After an upgrade of Trustee, no pod gets a secret.";
  const fix =
    "Use the syntax that every KBS version reads: `import future.keywords.if`, and `if` before each rule's body.";
  return others
    .filter((what) => what !== undefined)
    .map((what) => ({ id, severity: "warning", where, what, why, fix }));
}

/** TA001, TA003, TA005, TA006 and TA008: the policy's answers to normal requests. */
function lintRegular(
  facts: LiveFacts,
  { askFor }: KindFacts,
  secrets: readonly AskedKey[],
  where: Place,
): readonly Finding[] {
  const isOwn = liveGrants(facts.trustee) !== undefined;
  const met = isOwn ? strangers.slice(0, 1) : strangers;
  const open = secrets.flatMap((asked): readonly OpenKey[] => {
    const to = met.filter(({ token }) => askFor(asked, token) === true);
    return to.length === 0 ? [] : [{ ...asked, who: isOwn ? EVERYBODY : whoText(to) }];
  });
  const { digests } = triedDigests(facts.trustee);
  const bad = [
    ...emptyTokens,
    ...(isOwn ? badTokens(STRANGER) : badStrangers),
    ...digests.flatMap((claim) => badTokens(claim)),
  ];
  const partlyBad = [STRANGER, ...digests].map(partlyBadToken);
  const careless = secrets.filter((asked) => bad.some((token) => askFor(asked, token) === true));
  const partly = secrets.find((asked) => partlyBad.some((token) => askFor(asked, token) === true));
  const findings: Finding[] = [];
  for (const { secret, key } of secrets) {
    const answer = askFor({ secret, key }, strangerToken);
    if (!isFailure(answer) || answer.failed !== "evaluation") continue;
    const what = `The policy fails with an error on a normal request, for example for ${shownName(secret)}/${shownName(key)}: ${answer.message}.`;
    const why = "Trustee's policy engine denies such a request, whatever the rules say.";
    const fix =
      "Check the type of an argument before you pass it to a builtin, for example is_string(path) before split(path, ...).";
    findings.push({ id: "TA006", severity: "error", where, what, why, fix });
    break;
  }
  if (careless.length > 0) {
    const what = `Pods that do not attest well, or not at all, may read ${keysText(careless, secrets)}.`;
    const why = "The policy does not require an affirming attestation, so any VM gets the secret.";
    const fix = 'Require in every rule that each submod\'s "ear.status" is "affirming".';
    findings.push({ id: "TA003", severity: "error", where, what, why, fix });
  } else if (partly !== undefined) {
    const what = `A pod whose CPU attests well and whose GPU does not may read "${shownName(partly.secret)}".`;
    const why = "The policy checks only one submod, so it accepts a device that fails its attestation.";
    const fix =
      'Require that the "ear.status" of every submod is "affirming", as Trustee\'s default policy does.';
    findings.push({ id: "TA008", severity: "warning", where, what, why, fix });
  }
  const imagePolicies = imagePolicySecrets(facts);
  const isForAll = ({ secret }: OpenKey): boolean => samples.includes(secret) || imagePolicies.has(secret);
  if (open.filter(({ who }) => who === EVERYBODY).length === secrets.length && !open.every(isForAll)) {
    const what = "The policy lets every attested pod read every secret, as Trustee's default policy does.";
    const why =
      "A single compromised or foreign workload with a registered digest can read the secrets of all others.";
    const fix = "Grant each secret only to its pods: declare the grants, then run pulumi up.";
    return [...findings, { id: "TA001", severity: "error", where, what, why, fix }];
  }
  const gone = facts.trustee.secrets.filter(({ exists }) => !exists).map(({ name }) => name);
  const readable = open.filter(({ secret }) => !gone.includes(secret));
  const alike = Map.groupBy(readable, ({ secret, who }) => JSON.stringify([secret, who]));
  return [...findings, ...[...alike.values()].map((keys) => openSecret(facts, keys, secrets, imagePolicies))];
}

function imagePolicySecrets({ pods = [] }: LiveFacts): ReadonlySet<string> {
  const needs = pods.flatMap((pod) => readableClaims(pod)?.needs ?? []);
  return new Set(
    needs.flatMap(({ what, place }) =>
      what === "image policy" && place !== undefined ? [place.secret] : [],
    ),
  );
}

/** TA005. @param open keys of one secret, open to the same pods */
function openSecret(
  { trustee: { namespace } }: LiveFacts,
  open: readonly OpenKey[],
  asked: readonly AskedKey[],
  imagePolicies: ReadonlySet<string>,
): Finding {
  const [{ secret, who } = { secret: "", who: EVERYBODY }] = open;
  const use = samples.includes(secret)
    ? ", the operator's sample"
    : imagePolicies.has(secret)
      ? ", an image policy that pods need to start"
      : "";
  const common = {
    id: "TA005",
    where: { kind: "Secret", namespace, name: secret },
    ...(who === EVERYBODY ? {} : { about: [who] }),
    what: `${who} may read ${keysText(open, asked)}${use}.`,
  } as const;
  if (use === "") {
    const why = "No rule restricts it, so anyone who starts a pod with a registered digest can read it.";
    const fix =
      "Grant it to its pods, which restricts it to them. If no pod needs it, remove it from the KbsConfig.";
    return { ...common, severity: "warning", why, fix };
  }
  const fix = "Keep confidential values out of it, or restrict it.";
  return { ...common, severity: "note", why: "It must not contain anything confidential.", fix };
}

/** TA004: an unexpected path gives a stranger what the policy denies by the normal path. */
function lintOdd(
  kinds: readonly KindFacts[],
  secrets: readonly AskedKey[],
  where: Place,
): readonly Finding[] {
  const opened = kinds.flatMap(({ kind, ask, askFor }) => {
    const denied = secrets.filter((asked) => askFor(asked, strangerToken) === false);
    // One key of each secret is enough.
    const restricted = [...Map.groupBy(denied, ({ secret }) => secret).values()].flatMap((keys) =>
      keys.slice(0, 1),
    );
    if (restricted.length === 0) return [];
    return oddRequests(kind, restricted)
      .filter(({ data }) => ask(data, strangerToken) === true)
      .map((request) => ({ ...request, kind }));
  });
  const worst = opened.find(({ regular }) => regular) ?? opened[0];
  if (worst === undefined) return [];
  const count = new Set(opened.map(({ what }) => what)).size - 1;
  const more = ["", ", or one more such path"][count] ?? `, or one of ${count} more such paths`;
  return [
    {
      id: "TA004",
      severity: worst.regular ? "error" : "warning",
      where,
      what: `With ${kbsOf(worst.kind)}, the policy lets a pod without grants read a restricted secret if the request has ${worst.what}${more}.`,
      why: worst.regular
        ? "An upgrade of Trustee changes the path format, which opens restricted secrets."
        : "The secrets stay closed only because no KBS sends such a path today: a `not` about the path is true if the path cannot be parsed.",
      fix: "Do not allow a path by a `not` about it. Check the path's format first, and allow only known formats.",
    },
  ];
}

/** TA007: the policy was not evaluated. Another project's may then allow anything. */
function lintEvaluated({ answers }: LiveFacts, text: string, where: Place): readonly Finding[] {
  if (answers.kind === "answers") return [];
  const severity = parseRegistry(text) === undefined ? "error" : "note";
  const what = `The policy was not evaluated: ${answers.reason}`;
  const why = "Without OPA, lint can judge only a policy of this project, by its grants.";
  return [{ id: "TA007", severity, where, what, why, fix: installOpa("lint") }];
}

/** TA007: the policy was not evaluated for all digests. */
function lintTried({ trustee }: LiveFacts, where: Place): readonly Finding[] {
  const { digests, left } = triedDigests(trustee);
  if (left === 0) return [];
  const what = `The policy was not evaluated for all of the digests that it names: ${digests.length} of ${digests.length + left} were tried for pods that do not attest well.`;
  const why = "A rule for one of the remaining digests may give a secret to a pod that does not attest well.";
  const fix =
    "Use one grant table instead of a rule for each digest: declare the grants, then run pulumi up.";
  return [{ id: "TA007", severity: "note", where, about: ["digests"], what, why, fix }];
}

/** The resource policy itself. */
export function lintPolicy(facts: LiveFacts): readonly Finding[] {
  const { trustee, answers } = facts;
  const { text } = livePolicy(trustee);
  if (text === undefined) return [];
  const where = policyPlace(trustee);
  const secrets = askedKeys(trustee);
  const kinds = kindFacts(trustee, answers);
  const compile = lintCompile(kinds, secrets, where);
  const limits = lintLimits(trustee, text, where);
  const unread = [...compile, ...limits];
  const first = [...lintEvaluated(facts, text, where), ...unread];
  // If the KBS cannot read the policy, its answers do not matter.
  if (unread.some(({ severity }) => severity === "error")) return first;
  const working = kinds.filter((kind) => compileError(kind, secrets) === undefined);
  const [usual] = working;
  return [
    ...first,
    ...lintTried(facts, where),
    ...lintUnjudged(text, where),
    ...lintNobody(facts, working, secrets, text, where),
    ...(usual === undefined ? [] : lintRegular(facts, usual, secrets, where)),
    ...lintOdd(working, secrets, where),
  ];
}
