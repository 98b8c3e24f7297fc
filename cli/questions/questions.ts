import type { Column } from "../../core/access/matrix.ts";
import { decide, type PolicyData } from "../../core/access/model.ts";
import { DEFAULT_REPOSITORY } from "../../core/names.ts";
import { STRANGER } from "./oddities.ts";
import type { AccessRequest } from "./requests.ts";
import { sha256Hex } from "../../core/digest.ts";
import { own } from "../../core/records.ts";
import type { PodFacts, PolicyAnswer, PolicyAnswers, RegoSyntax, TrusteeFacts } from "../audit/facts.ts";
import { EVERY_KEY } from "../../core/policy/grants.ts";
import { namedClaims, readableClaims } from "../audit/pod-claims.ts";
import {
  ANY_KEY,
  digestsInPolicy,
  keysInPolicy,
  pathsInPolicy,
  sampleClaimsInPolicy,
  type GeneratedPolicy,
} from "../audit/policy-text.ts";
import {
  attestedPods,
  badStrangers,
  badTokens,
  emptyTokens,
  partlyBadToken,
  strangers,
  strangerToken,
  teesOf,
  type AttestedPod,
} from "./tokens.ts";
import { kbsKinds, liveGrants, livePolicy, type KbsKind, type PolicySide } from "../audit/trustee-view.ts";

/** A request to the live policy, as one kind of KBS makes it. */
export interface PolicyQuestion extends AccessRequest {
  readonly syntax: RegoSyntax;
}

/** The question of one kind of KBS for a key of a secret. */
export function cellQuestion({ syntax, shape }: KbsKind, asked: AskedKey, token: unknown): PolicyQuestion {
  return { syntax, data: requestData(shape, asked), token };
}

const tokenKeys = new WeakMap<object, string>();

/** Tokens are long, and shared by many questions. */
function tokenKey(token: unknown): string {
  if (typeof token !== "object" || token === null) return JSON.stringify(token);
  const known = tokenKeys.get(token) ?? sha256Hex(JSON.stringify(token));
  tokenKeys.set(token, known);
  return known;
}

/** The key under which an answer is found. */
export function questionKey({ syntax, data, token }: PolicyQuestion): string {
  const { "resource-path": path = null, plugin = null } = data;
  return JSON.stringify([syntax, path, Object.keys(data), plugin, tokenKey(token)]);
}

/** The syntax of the usual kind of KBS. */
export function usualSyntax(trustee: PolicySide): RegoSyntax {
  return kbsKinds(trustee)[0].syntax;
}

/** The policy's answers to one kind of KBS; `undefined`: unknown. */
export interface KindFacts {
  readonly kind: KbsKind;
  readonly ask: (data: PolicyData, token: unknown) => PolicyAnswer | undefined;
  /** Asks for a key as this KBS does. */
  readonly askFor: (asked: AskedKey, token: unknown) => PolicyAnswer | undefined;
}

/** The policy's answers to each kind of KBS that may read it. */
export function kindFacts(trustee: PolicySide, answers: PolicyAnswers): readonly KindFacts[] {
  const generated = liveGrants(trustee);
  return kbsKinds(trustee).map((kind) => {
    const ask: KindFacts["ask"] = (data, token) =>
      answerOf(answers, generated, { syntax: kind.syntax, data, token });
    return { kind, ask, askFor: (asked, token) => ask(requestData(kind.shape, asked), token) };
  });
}

/** A kind of KBS in words. */
export function kbsOf({ syntax }: KbsKind): string {
  return syntax === "v0" ? "KBS up to v0.16" : "KBS v0.17 and later";
}

/** A key of a secret to ask for. */
export interface AskedKey extends Column {
  /** @default that of Kubernetes Secrets */
  readonly repository?: string;
}

/** A request for a key, as a KBS passes it to the policy. */
export function requestData(
  shape: KbsKind["shape"],
  { secret, key, repository = DEFAULT_REPOSITORY }: AskedKey,
): PolicyData {
  return shape === "array"
    ? { "resource-path": [repository, secret, key], plugin: "resource" }
    : { "resource-path": `resource/${repository}/${secret}/${key}` };
}

/** A request that this kind of KBS does not make. */
export interface OddRequest {
  readonly data: PolicyData;
  /** In words. */
  readonly what: string;
  /** Whether another kind of KBS makes it. */
  readonly regular: boolean;
}

function oddPath(path: unknown): OddRequest {
  const data = { "resource-path": path, plugin: "resource" };
  return { data, what: `the path ${JSON.stringify(path)}`, regular: false };
}

const shapeless: readonly OddRequest[] = [
  { data: {}, what: "no path", regular: false },
  { data: { plugin: "resource" }, what: "no path, plugin resource", regular: false },
  ...[null, 7, true, {}, [], [7], ["default"], "", "/", "resource", "resource/default"].map(oddPath),
];

/** Odd requests about one secret. */
function oddAbout(kind: KbsKind, { secret, key }: AskedKey): readonly OddRequest[] {
  const other = kind.shape === "array" ? "string" : "array";
  const what = `the path as KBS ${other === "array" ? "v0.17 and later hand" : "up to v0.16 hand"} it over`;
  const twisted: readonly unknown[] = [
    ["default", secret],
    ["default", secret, key, "more"],
    ["default", [secret], key],
    [["default", secret, key]],
    `default/${secret}/${key}`,
    `/resource/default/${secret}/${key}`,
    `resource/default/${secret}/${key}/more`,
    `resource//default/${secret}/${key}`,
  ];
  return [{ data: requestData(other, { secret, key }), what, regular: true }, ...twisted.map(oddPath)];
}

/**
 * The keys to ask for, secret by secret. The secrets are those that the KBS serves or the policy restricts.
 * The keys are the known ones, those that the policy names, and an invented one.
 */
export function askedKeys(trustee: TrusteeFacts): readonly AskedKey[] {
  const { text = "" } = livePolicy(trustee);
  const generated = liveGrants(trustee);
  const names = new Set([...trustee.kbsConfig.secrets, ...Object.keys(generated?.secrets ?? {})]);
  const foreign = generated === undefined ? keysInPolicy(text) : [];
  return [...names].flatMap((secret) => {
    const known = trustee.secrets.find(({ name }) => name === secret)?.keys ?? [];
    const granted = Object.keys(own(generated?.secrets, secret) ?? {}).filter((key) => key !== EVERY_KEY);
    return [...new Set([...known, ...granted, ...foreign, ANY_KEY])].map((key) => ({ secret, key }));
  });
}

/** The maximum number of pairs of a digest and a key to try. */
const MOST_TRIES = 1000;

/**
 * The digests of a foreign policy to try as those of pods that do not attest well: all, unless there are very
 * many. This project's policy is known to check the attestation first.
 */
export function triedDigests(trustee: TrusteeFacts): {
  readonly digests: readonly string[];
  /** The number of digests that were left out. */
  readonly left: number;
} {
  if (liveGrants(trustee) !== undefined) return { digests: [], left: 0 };
  const all = digestsInPolicy(livePolicy(trustee).text ?? "").map(({ digest }) => digest);
  const most = Math.max(1, Math.floor(MOST_TRIES / Math.max(1, askedKeys(trustee).length)));
  return { digests: all.slice(0, most), left: Math.max(0, all.length - most) };
}

/** The odd requests for these secrets that a policy must deny to a stranger. */
export function oddRequests(kind: KbsKind, secrets: readonly AskedKey[]): readonly OddRequest[] {
  return [...secrets.flatMap((asked) => oddAbout(kind, asked)), ...shapeless];
}

/** The maximum number of running pods to ask for. */
const MOST_PODS = 50;

/** Pods that attest well and that a policy may know: those whose digests it names, and those that run. */
function knownPods(trustee: TrusteeFacts, pods: readonly PodFacts[]): readonly AttestedPod[] {
  const { text = "" } = livePolicy(trustee);
  const named = triedDigests(trustee).digests.flatMap((digest) =>
    digest.length === 96
      ? attestedPods("tdx", digest, ["none", "gpu"])
      : [
          ...attestedPods("az-snp-vtpm", digest, ["none", "gpu"]),
          ...attestedPods("az-tdx-vtpm", digest, ["none"]),
          ...attestedPods("snp", digest, ["none"]),
        ],
  );
  const inBase64 = sampleClaimsInPolicy(text).flatMap((claim) => [
    ...attestedPods("sample", claim, ["none"]),
    ...attestedPods("snp", claim, ["none"]),
  ]);
  const running = pods.slice(0, MOST_PODS).flatMap((pod) => {
    const claims = readableClaims(pod);
    return (claims === undefined ? [] : namedClaims(claims)).flatMap((claim) =>
      teesOf(claim).flatMap((tee) => attestedPods(tee, claim.value, ["none", "gpu"])),
    );
  });
  return [...named, ...inBase64, ...running];
}

/** The pods to ask a foreign policy for, to find out whether it allows any request. */
export function anybody(trustee: TrusteeFacts, pods: readonly PodFacts[]): readonly AttestedPod[] {
  return liveGrants(trustee) === undefined ? [...strangers, ...knownPods(trustee, pods)] : [];
}

/** The maximum number of these pods to ask for with every path that the policy may mean. */
const MOST_FOR_NAMED = 80;

/** The questions for paths that a policy's text may mean, in addition to the existing keys. */
export function namedRequests(
  kind: KbsKind,
  trustee: TrusteeFacts,
  pods: readonly AttestedPod[],
): readonly PolicyQuestion[] {
  return pathsInPolicy(livePolicy(trustee).text ?? "").flatMap((asked) =>
    pods.slice(0, MOST_FOR_NAMED).map(({ token }) => cellQuestion(kind, asked, token)),
  );
}

/** All questions of `lint` to the live policy. */
export function lintQuestions(
  trustee: TrusteeFacts,
  pods: readonly PodFacts[] = [],
): readonly PolicyQuestion[] {
  const keys = askedKeys(trustee);
  const isOwn = liveGrants(trustee) !== undefined;
  const asked = anybody(trustee, pods);
  const tokens = [
    strangerToken,
    ...asked.map(({ token }) => token),
    ...emptyTokens,
    ...(isOwn ? badTokens(STRANGER) : badStrangers),
    partlyBadToken(STRANGER),
    ...triedDigests(trustee).digests.flatMap((claim) => [partlyBadToken(claim), ...badTokens(claim)]),
  ];
  return kbsKinds(trustee).flatMap((kind) => [
    ...keys.flatMap((key) => tokens.map((token) => cellQuestion(kind, key, token))),
    ...(isOwn ? [] : namedRequests(kind, trustee, asked)),
    ...oddRequests(kind, keys).map(({ data }) => ({ syntax: kind.syntax, data, token: strangerToken })),
  ]);
}

/**
 * The policy's answer: a real engine's, else, for this project's policy, the model's, which tests prove equal.
 * @param generated the grants of this project's policy; `undefined`: a foreign policy
 * @returns `undefined` if it is unknown
 */
export function answerOf(
  answers: PolicyAnswers,
  generated: GeneratedPolicy | undefined,
  question: PolicyQuestion,
): PolicyAnswer | undefined {
  if (answers.kind === "answers") {
    const answer = answers.byQuestion.get(questionKey(question));
    if (answer !== undefined) return answer;
  }
  return generated === undefined ? undefined : decide(generated, question.data, question.token).allowed;
}
