import { shownName } from "../../core/policy/shown-name.ts";
import { STRANGER } from "../questions/oddities.ts";
import type { LiveFacts, PolicyAnswer } from "../audit/facts.ts";
import type { Finding, Place } from "./finding.ts";
import { readPodClaims } from "../audit/pod-claims.ts";
import { lintOdd } from "./odd.ts";
import { lintLimits, lintNobody, lintUnjudged } from "./nobody.ts";
import { ANY_KEY, readGenerated } from "../audit/policy-text.ts";
import {
  answerOf,
  askedKeys,
  kbsKinds,
  kbsOf,
  requestData,
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
import { livePolicy } from "../audit/trustee-view.ts";
import { installOpa } from "../audit/unjudged.ts";

/** A key that strangers may read. */
interface OpenKey extends AskedKey {
  /** Which strangers. */
  readonly who: string;
}

/** The operators' sample secrets, which every pod may read. */
const samples: readonly string[] = ["kbsres1", "attestation-status"];

/** Lists some of the asked keys. A secret stands for all of its keys. */
function keysText(some: readonly AskedKey[], all: readonly AskedKey[]): string {
  const secrets = [...Map.groupBy(some, ({ secret }) => secret)].map(([secret, own]) => {
    const asked = all.filter((one) => one.secret === secret);
    if (own.length === asked.length) return `"${shownName(secret)}"`;
    return own
      .map(({ key }) =>
        key === ANY_KEY
          ? `any further key of "${shownName(secret)}"`
          : `"${shownName(secret)}/${shownName(key)}"`,
      )
      .join(", ");
  });
  return secrets.join(", ");
}

function isFailure(answer: PolicyAnswer | undefined): answer is Exclude<PolicyAnswer, boolean> {
  return typeof answer === "object";
}

/** Why the policy does not compile, if it does not. */
function compileError(facts: KindFacts, secrets: readonly AskedKey[]): string | undefined {
  const data = secrets.map(({ secret, key }) => requestData(facts.kind.shape, secret, key));
  for (const answer of [...data, {}].map((one) => facts.ask(one, strangerToken))) {
    if (isFailure(answer) && answer.failed === "policy") return answer.message;
  }
  return undefined;
}

/** TA002: an error for this Trustee's usual KBS, a warning for one that an upgrade installs. */
function lintCompile(
  kinds: readonly KindFacts[],
  secrets: readonly AskedKey[],
  where: Place,
): readonly Finding[] {
  const [usual, ...others] = kinds.map((facts) => ({ facts, error: compileError(facts, secrets) }));
  if (usual?.error !== undefined) {
    return [
      {
        id: "TA002",
        severity: "error",
        where,
        what: `${kbsOf(usual.facts.kind)} cannot compile the policy: ${usual.error}.`,
        why: "It denies every request, including the one for the pods' image policy, so no new pod starts.",
        fix: "Correct the policy. Check it with: opa check (--v0-compatible for KBS up to v0.16).",
      },
    ];
  }
  return others
    .filter(({ error }) => error !== undefined)
    .map(({ facts, error = "" }) => ({
      id: "TA002",
      severity: "warning",
      where,
      what: `${kbsOf(facts.kind)} cannot compile the policy: ${error}.`,
      why: "The policy only works with older KBS versions. After an upgrade of Trustee, no pod gets a secret.",
      fix: "Use the syntax that both read: `import future.keywords.if`, and `if` before each rule's body.",
    }));
}

/** TA001, TA003, TA005, TA006 and TA008: the policy's answers to normal requests. */
function lintRegular(
  facts: LiveFacts,
  kind: KindFacts,
  secrets: readonly AskedKey[],
  where: Place,
): Finding[] {
  const ask = (asked: AskedKey, input: unknown): PolicyAnswer | undefined =>
    kind.ask(requestData(kind.kind.shape, asked.secret, asked.key), input);
  const isOwn = readGenerated(livePolicy(facts.trustee).text ?? "") !== undefined;
  const met = isOwn ? strangers.slice(0, 1) : strangers;
  const open = secrets.flatMap((asked): readonly OpenKey[] => {
    const to = met.filter(({ token }) => ask(asked, token) === true);
    return to.length === 0 ? [] : [{ ...asked, who: isOwn ? EVERYBODY : whoText(to) }];
  });
  const claims = [STRANGER, ...triedDigests(facts.trustee).digests];
  const bad = [
    ...emptyTokens,
    ...(isOwn ? badTokens(STRANGER) : badStrangers),
    ...claims.slice(1).flatMap((claim) => badTokens(claim)),
  ];
  const careless = secrets.filter((asked) => bad.some((token) => ask(asked, token) === true));
  const failing = secrets.flatMap((asked) => {
    const answer = ask(asked, strangerToken);
    return isFailure(answer) && answer.failed === "evaluation" ? [{ ...asked, message: answer.message }] : [];
  });
  const findings: Finding[] = [];
  const [failed] = failing;
  if (failed !== undefined) {
    findings.push({
      id: "TA006",
      severity: "error",
      where,
      what: `The policy fails with an error on a normal request, for example for ${shownName(failed.secret)}/${shownName(failed.key)}: ${failed.message}.`,
      why: "Trustee's policy engine denies such a request, whatever the rules say.",
      fix: "Check the type of an argument before you pass it to a builtin, for example is_string(path) before split(path, ...).",
    });
  }
  if (careless.length > 0) {
    findings.push({
      id: "TA003",
      severity: "error",
      where,
      what: `Pods that do not attest well, or not at all, may read ${keysText(careless, secrets)}.`,
      why: "The policy does not require an affirming attestation, so any VM gets the secret.",
      fix: 'Require in every rule that each submod\'s "ear.status" is "affirming".',
    });
  }
  const [partly] = secrets.filter((asked) =>
    claims.some((claim) => ask(asked, partlyBadToken(claim)) === true),
  );
  if (careless.length === 0 && partly !== undefined) {
    findings.push({
      id: "TA008",
      severity: "warning",
      where,
      what: `A pod whose CPU attests well and whose GPU does not may read "${shownName(partly.secret)}".`,
      why: "The policy checks only one submod, so it accepts a device that fails its attestation.",
      fix: 'Require that the "ear.status" of every submod is "affirming", as Trustee\'s default policy does.',
    });
  }
  const all = open.length > 0 && open.filter(({ who }) => who === EVERYBODY).length === secrets.length;
  const beyondSamples = open.some(({ secret }) => !isForAll(facts, secret));
  if (all && beyondSamples) {
    findings.push({
      id: "TA001",
      severity: "error",
      where,
      what: "The policy lets every attested pod read every secret, as Trustee's default policy does.",
      why: "A single compromised or foreign workload with a registered digest can read the secrets of all others.",
      fix: "Grant each secret only to its pods: declare the grants, then run pulumi up.",
    });
    return findings;
  }
  const gone = facts.trustee.secrets.filter(({ exists }) => !exists).map(({ name }) => name);
  const readable = open.filter(({ secret }) => !gone.includes(secret));
  const alike = Map.groupBy(readable, ({ secret, who }) => JSON.stringify([secret, who]));
  return [...findings, ...[...alike.values()].map((keys) => openSecret(facts, keys, secrets))];
}

/** Whether a secret is meant for every pod: a sample or a pod's image policy. */
function isForAll(facts: LiveFacts, secret: string): boolean {
  return samples.includes(secret) || imagePolicySecrets(facts).has(secret);
}

function imagePolicySecrets({ pods = [] }: LiveFacts): ReadonlySet<string> {
  const secrets = pods.flatMap((pod) => {
    const claims = readPodClaims(pod);
    if (claims === undefined || "problem" in claims) return [];
    return claims.needs.flatMap(({ what, place }) =>
      what === "image policy" && place !== undefined ? [place.secret] : [],
    );
  });
  return new Set(secrets);
}

/** @param open keys of one secret, open to the same pods */
function openSecret(facts: LiveFacts, open: readonly OpenKey[], asked: readonly AskedKey[]): Finding {
  const { namespace } = facts.trustee;
  const [{ secret, who } = { secret: "", who: EVERYBODY }] = open;
  const use = samples.includes(secret)
    ? ", the operator's sample"
    : imagePolicySecrets(facts).has(secret)
      ? ", an image policy that pods need to start"
      : "";
  return {
    id: "TA005",
    severity: use === "" ? "warning" : "note",
    where: { kind: "Secret", namespace, name: secret },
    ...(who === EVERYBODY ? {} : { about: [who] }),
    what: `${who} may read ${keysText(open, asked)}${use}.`,
    why:
      use === ""
        ? "No rule restricts it, so anyone who starts a pod with a registered digest can read it."
        : "It must not contain anything confidential.",
    fix:
      use === ""
        ? "Grant it to its pods, which restricts it to them. If no pod needs it, remove it from the KbsConfig."
        : "Keep confidential values out of it, or restrict it.",
  };
}

/** The resource policy itself. */
export function lintPolicy(facts: LiveFacts): readonly Finding[] {
  const { trustee, answers } = facts;
  const { map, key, text } = livePolicy(trustee);
  if (text === undefined) return [];
  const where: Place = { kind: "ConfigMap", namespace: trustee.namespace, name: map, part: key };
  const generated = readGenerated(text);
  const secrets = askedKeys(trustee);
  const kinds = kbsKinds(trustee).map((kind): KindFacts => ({
    kind,
    ask: (data, input) => answerOf(answers, generated, { syntax: kind.syntax, data, input }),
  }));
  const notes: readonly Finding[] =
    answers.kind === "answers"
      ? []
      : [
          {
            id: "TA007",
            severity: "note",
            where,
            what: `The policy was not evaluated: ${answers.reason}`,
            why: "Without OPA, lint can judge only a policy of this project, by its grants.",
            fix: installOpa("lint"),
          },
        ];
  const { digests, left } = triedDigests(trustee);
  const partial: readonly Finding[] =
    left === 0
      ? []
      : [
          {
            id: "TA007",
            severity: "note",
            where,
            about: ["digests"],
            what: `The policy was not evaluated for all of the digests that it names: ${digests.length} of ${digests.length + left} were tried for pods that do not attest well.`,
            why: "A rule for one of the remaining digests may give a secret to a pod that does not attest well.",
            fix: "Use one grant table instead of a rule for each digest: declare the grants, then run pulumi up.",
          },
        ];
  const compile = lintCompile(kinds, secrets, where);
  const limits = lintLimits(trustee, text, where);
  // If the KBS cannot read the policy, its answers do not matter.
  if ([...compile, ...limits].some(({ severity }) => severity === "error"))
    return [...notes, ...compile, ...limits];
  const working = kinds.filter((facts) => compileError(facts, secrets) === undefined);
  const [usual] = working;
  return [
    ...notes,
    ...partial,
    ...compile,
    ...limits,
    ...lintUnjudged(text, where),
    ...lintNobody(facts, working, secrets, text, where),
    ...(usual === undefined ? [] : lintRegular(facts, usual, secrets, where)),
    ...lintOdd(working, secrets, where),
  ];
}
