import { affirmingToken } from "../access/token.ts";
import { decide, type PolicyData } from "../access/model.ts";
import { STRANGER } from "../access/oddities.ts";
import { own } from "../records.ts";
import type { Generation } from "../trustee/generation.ts";
import type { PolicyAnswer, PolicyAnswers, RegoSyntax, TrusteeFacts } from "./facts.ts";
import { EVERY_KEY } from "../policy/grants.ts";
import { digestsInPolicy, keysInPolicy, readGenerated } from "./policy-text.ts";
import { generationOf, livePolicy } from "./trustee-view.ts";

/** One request that the live policy is asked, as one sort of KBS would ask it. */
export interface PolicyQuestion {
  readonly syntax: RegoSyntax;
  readonly data: PolicyData;
  /** The token's claims. */
  readonly input: unknown;
}

/** The key under which an answer is found. */
export function questionKey(question: PolicyQuestion): string {
  const { syntax, data, input } = question;
  return JSON.stringify([
    syntax,
    data["resource-path"] ?? null,
    Object.keys(data),
    data.plugin ?? null,
    input,
  ]);
}

/** How a sort of KBS hands a path over and reads a policy. */
export interface KbsKind {
  readonly syntax: RegoSyntax;
  readonly shape: "string" | "array";
}

/**
 * The KBSs that a generation's operators install, the usual first: up to v0.16 a string and Rego v0, from v0.17 on an array
 * and Rego v1. Operators v0.17 and v0.18 pair the old keys with the newer KBS.
 */
export function kbsKinds(generation: Generation): readonly [KbsKind, ...KbsKind[]] {
  const newer: KbsKind = { syntax: "v1", shape: "array" };
  return generation === "0.18" ? [{ syntax: "v0", shape: "string" }, newer] : [newer];
}

/** How the KBSs of a kind are called. */
export function kbsOf({ syntax }: KbsKind): string {
  return syntax === "v0" ? "KBS up to v0.16" : "KBS v0.17 and later";
}

/** A request for one key of one secret, as a KBS of that shape hands it over. */
export function requestData(shape: KbsKind["shape"], secret: string, key: string): PolicyData {
  return shape === "array"
    ? { "resource-path": ["default", secret, key], plugin: "resource" }
    : { "resource-path": `resource/default/${secret}/${key}` };
}

/** A pod that attests well and is nobody's. */
export const strangerToken: unknown = affirmingToken(STRANGER);

/** Tokens of pods that do not attest well; every token has a status for each submod. @param initData their claim */
export function badTokens(initData: string): readonly unknown[] {
  return ["contraindicated", "warning", "none"].map((status) => ({
    submods: {
      cpu0: { "ear.status": status, "ear.veraison.annotated-evidence": { init_data: initData } },
    },
  }));
}

/** Tokens that say nothing at all. */
export const emptyTokens: readonly unknown[] = [{ submods: {} }, {}];

/** A pod whose CPU attests well, and whose GPU does not. @param initData its claim */
export function partlyBadToken(initData: string): unknown {
  return {
    submods: {
      cpu0: { "ear.status": "affirming", "ear.veraison.annotated-evidence": { init_data: initData } },
      gpu0: { "ear.status": "contraindicated" },
    },
  };
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

/** A key that no secret is known to have: it stands for all that nobody thought of. */
export const INVENTED_KEY = "key-that-nobody-has-named";

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
    return [...new Set([...known, ...granted, ...foreign, INVENTED_KEY])].map((key) => ({ secret, key }));
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

/** Everything that `lint` asks the live policy. */
export function lintQuestions(trustee: TrusteeFacts): readonly PolicyQuestion[] {
  const keys = askedKeys(trustee);
  const claims = [STRANGER, ...triedDigests(trustee).digests];
  const tokens = [
    strangerToken,
    ...emptyTokens,
    ...claims.flatMap((claim) => [partlyBadToken(claim), ...badTokens(claim)]),
  ];
  return kbsKinds(generationOf(trustee)).flatMap((kind) => [
    ...keys.flatMap(({ secret, key }) =>
      tokens.map((input) => ({
        syntax: kind.syntax,
        data: requestData(kind.shape, secret, key),
        input,
      })),
    ),
    ...oddRequests(kind, keys).map(({ data }) => ({ syntax: kind.syntax, data, input: strangerToken })),
  ]);
}

/**
 * What the policy says: as a real engine answered; else, for this project's own policy, as its model says, which tests
 * prove equal.
 * @returns `undefined` if nobody knows
 */
export function answerOf(
  answers: PolicyAnswers,
  policy: string | undefined,
  question: PolicyQuestion,
): PolicyAnswer | undefined {
  if (answers.kind === "answers") {
    const answer = answers.byQuestion.get(questionKey(question));
    if (answer !== undefined) return answer;
  }
  const generated = policy === undefined ? undefined : readGenerated(policy);
  return generated === undefined ? undefined : decide(generated, question.data, question.input).allowed;
}
