import { decide, DEFAULT_REPOSITORY, type PolicyData } from "../../core/access/model.ts";
import { STRANGER } from "./oddities.ts";
import { sha256Hex } from "../../core/digest.ts";
import { own } from "../../core/records.ts";
import { knownKeys } from "../../core/trustee/generation.ts";
import type { PodFacts, PolicyAnswer, PolicyAnswers, RegoSyntax, TrusteeFacts } from "../audit/facts.ts";
import { EVERY_KEY } from "../../core/policy/grants.ts";
import { namedClaims, readPodClaims } from "../audit/pod-claims.ts";
import {
  ANY_KEY,
  digestsInPolicy,
  keysInPolicy,
  pathsInPolicy,
  readGenerated,
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
import { keysOf, livePolicy, type PolicySide } from "../audit/trustee-view.ts";

/** One request that the live policy is asked, as one sort of KBS would ask it. */
export interface PolicyQuestion {
  readonly syntax: RegoSyntax;
  readonly data: PolicyData;
  /** The token's claims. */
  readonly input: unknown;
}

/** For one key of one secret, as a KBS of that sort asks. */
export function cellQuestion(kind: KbsKind, secret: string, key: string, input: unknown): PolicyQuestion {
  return { syntax: kind.syntax, data: requestData(kind.shape, secret, key), input };
}

const inputKeys = new WeakMap<object, string>();

/** Tokens are long, and shared by many questions. */
function inputKey(input: unknown): string {
  if (typeof input !== "object" || input === null) return JSON.stringify(input);
  const known = inputKeys.get(input) ?? sha256Hex(JSON.stringify(input));
  inputKeys.set(input, known);
  return known;
}

/** The key under which an answer is found. */
export function questionKey(question: PolicyQuestion): string {
  const { syntax, data, input } = question;
  return JSON.stringify([
    syntax,
    data["resource-path"] ?? null,
    Object.keys(data),
    data.plugin ?? null,
    inputKey(input),
  ]);
}

/** How a sort of KBS hands a path over and reads a policy. */
export interface KbsKind {
  readonly syntax: RegoSyntax;
  readonly shape: "string" | "array";
}

/**
 * The KBSs that may read the policy, the usual first: up to v0.16 with a string and Rego v0, from v0.17 on with an array and Rego v1.
 * Where nothing tells, the older keys go with either: operators v0.17 and v0.18 pair them with the newer KBS.
 */
export function kbsKinds(trustee: PolicySide): readonly [KbsKind, ...KbsKind[]] {
  const [older, newer]: readonly [KbsKind, KbsKind] = [
    { syntax: "v0", shape: "string" },
    { syntax: "v1", shape: "array" },
  ];
  const form = trustee.seen?.pathForm;
  if (form !== undefined) return [form === "string" ? older : newer];
  return keysOf(trustee).policyKey === knownKeys.policy[0] ? [newer] : [older, newer];
}

/** How somebody else's policy is read, as far as that can be told. */
export function usualSyntax(trustee: PolicySide): RegoSyntax {
  return kbsKinds(trustee)[0].syntax;
}

/** What one sort of KBS makes of the policy. */
export interface KindFacts {
  readonly kind: KbsKind;
  /** Asks for one token. */
  readonly ask: (data: PolicyData, input: unknown) => PolicyAnswer | undefined;
}

/** How the KBSs of a kind are called. */
export function kbsOf({ syntax }: KbsKind): string {
  return syntax === "v0" ? "KBS up to v0.16" : "KBS v0.17 and later";
}

/** A request for one key of one secret, as a KBS of that shape hands it over. */
export function requestData(
  shape: KbsKind["shape"],
  secret: string,
  key: string,
  repository = DEFAULT_REPOSITORY,
): PolicyData {
  return shape === "array"
    ? { "resource-path": [repository, secret, key], plugin: "resource" }
    : { "resource-path": `resource/${repository}/${secret}/${key}` };
}

/** A path that no KBS should hand over; of well-formed ones, that this sort of KBS does not. */
export interface OddRequest {
  readonly data: PolicyData;
  /** In words. */
  readonly what: string;
  /** Whether some KBS in use asks like this. */
  readonly regular: boolean;
}

const shapeless: readonly OddRequest[] = [
  { data: {}, what: "no path", regular: false },
  { data: { plugin: "resource" }, what: "no path, plugin resource", regular: false },
  ...[null, 7, true, {}, [], [7], ["default"], "", "/", "resource", "resource/default"].map((path) => ({
    data: { "resource-path": path, plugin: "resource" },
    what: `the path ${JSON.stringify(path)}`,
    regular: false,
  })),
];

/** Odd requests about one secret. */
function oddAbout(kind: KbsKind, secret: string, key: string): readonly OddRequest[] {
  const other = kind.shape === "array" ? "string" : "array";
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
  return [
    {
      data: requestData(other, secret, key),
      what: `the path as KBS ${other === "array" ? "v0.17 and later hand" : "up to v0.16 hand"} it over`,
      regular: true,
    },
    ...twisted.map((path) => ({
      data: { "resource-path": path, plugin: "resource" },
      what: `the path ${JSON.stringify(path)}`,
      regular: false,
    })),
  ];
}

/** A secret and one of its keys, to ask for. */
export interface AskedKey {
  readonly secret: string;
  readonly key: string;
}

/**
 * The keys to ask for, secret by secret: of those that the KBS serves and those that the policy restricts, every key that
 * the Secret is known to have first, then every one that the policy names, then an invented one.
 */
export function askedKeys(trustee: TrusteeFacts): readonly AskedKey[] {
  const { text = "" } = livePolicy(trustee);
  const generated = readGenerated(text);
  const names = new Set([...trustee.kbsConfig.secrets, ...Object.keys(generated?.secrets ?? {})]);
  const foreign = generated === undefined ? keysInPolicy(text) : [];
  return [...names].flatMap((secret) => {
    const known = trustee.secrets.find(({ name }) => name === secret)?.keys ?? [];
    const granted = Object.keys(own(generated?.secrets, secret) ?? {}).filter((key) => key !== EVERY_KEY);
    return [...new Set([...known, ...granted, ...foreign, ANY_KEY])].map((key) => ({ secret, key }));
  });
}

/** So many times a digest is tried with a key, at most. */
const MOST_TRIES = 1000;

/**
 * The digests of the policy to try as those of pods that do not attest well: all, but for policies that name very many.
 * Of this project's own none: its text proves that it asks for the attestation first.
 */
export function triedDigests(trustee: TrusteeFacts): {
  readonly digests: readonly string[];
  /** Those that were left out. */
  readonly left: number;
} {
  const { text = "" } = livePolicy(trustee);
  if (readGenerated(text) !== undefined) return { digests: [], left: 0 };
  const all = digestsInPolicy(text).map(({ digest }) => digest);
  const most = Math.max(1, Math.floor(MOST_TRIES / Math.max(1, askedKeys(trustee).length)));
  return { digests: all.slice(0, most), left: Math.max(0, all.length - most) };
}

/** The odd requests that a policy which restricts `secrets` must deny to a stranger, for one sort of KBS. */
export function oddRequests(kind: KbsKind, secrets: readonly AskedKey[]): readonly OddRequest[] {
  return [...secrets.flatMap(({ secret, key }) => oddAbout(kind, secret, key)), ...shapeless];
}

/** Running pods beyond these do not tell more of whether a policy gives anything to anybody. */
const MOST_PODS = 50;

/** Pods that attest well and that a policy may know: by the digests that it names, and those that run. */
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
    const claims = readPodClaims(pod);
    if (claims === undefined || "problem" in claims) return [];
    return namedClaims(claims).flatMap((claim) =>
      teesOf(claim).flatMap((tee) => attestedPods(tee, claim.value, ["none", "gpu"])),
    );
  });
  return [...named, ...inBase64, ...running];
}

/** Who a policy is asked for, to tell whether it gives anything to anybody: of this project's own nobody. */
export function anybody(trustee: TrusteeFacts, pods: readonly PodFacts[]): readonly AttestedPod[] {
  const { text = "" } = livePolicy(trustee);
  return readGenerated(text) === undefined ? [...strangers, ...knownPods(trustee, pods)] : [];
}

/** Of those who may be anybody, who is asked for with every path that the policy may mean. */
const MOST_FOR_NAMED = 80;

/** What is asked to tell whether a policy gives anything to anybody, by paths that it may mean beside the keys that there are. */
export function namedRequests(
  { syntax, shape }: KbsKind,
  trustee: TrusteeFacts,
  pods: readonly AttestedPod[],
): readonly PolicyQuestion[] {
  const { text = "" } = livePolicy(trustee);
  return pathsInPolicy(text).flatMap(({ secret, key }) =>
    pods.slice(0, MOST_FOR_NAMED).map(({ token }) => ({
      syntax,
      data: requestData(shape, secret, key),
      input: token,
    })),
  );
}

/** Everything that `lint` asks the live policy. */
export function lintQuestions(
  trustee: TrusteeFacts,
  pods: readonly PodFacts[] = [],
): readonly PolicyQuestion[] {
  const keys = askedKeys(trustee);
  const { text = "" } = livePolicy(trustee);
  const isOwn = readGenerated(text) !== undefined;
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
    ...keys.flatMap(({ secret, key }) =>
      tokens.map((input) => ({
        syntax: kind.syntax,
        data: requestData(kind.shape, secret, key),
        input,
      })),
    ),
    ...(isOwn ? [] : namedRequests(kind, trustee, asked)),
    ...oddRequests(kind, keys).map(({ data }) => ({ syntax: kind.syntax, data, input: strangerToken })),
  ]);
}

/**
 * What the policy says: as a real engine answered; else, for this project's own policy, as its model says, which tests
 * prove equal.
 * @param generated what this project's own policy grants; undefined: it is somebody else's
 * @returns `undefined` if nobody knows
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
  return generated === undefined ? undefined : decide(generated, question.data, question.input).allowed;
}
