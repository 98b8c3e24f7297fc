import { affirmingToken } from "../access/matrix.ts";
import { decide, type PolicyData } from "../access/model.ts";
import type { Generation } from "../trustee/generation.ts";
import type { PolicyAnswer, PolicyAnswers, RegoSyntax, TrusteeFacts } from "./facts.ts";
import { readGenerated } from "./policy-text.ts";
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

/** A request for one key of one secret, as a KBS of that shape hands it over. */
export function requestData(shape: KbsKind["shape"], secret: string, key: string): PolicyData {
  return shape === "array"
    ? { "resource-path": ["default", secret, key], plugin: "resource" }
    : { "resource-path": `resource/default/${secret}/${key}` };
}

/** The claim of a pod that nobody has registered or granted anything. */
export const STRANGER = "f".repeat(64);

/** A pod that attests well and is nobody's. */
export const strangerToken: unknown = affirmingToken(STRANGER);

/** Tokens of pods that do not attest well, or not at all. */
export const badTokens: readonly unknown[] = [
  ...["contraindicated", "warning", "none"].map((status) => ({
    submods: {
      cpu0: { "ear.status": status, "ear.veraison.annotated-evidence": { init_data: STRANGER } },
    },
  })),
  { submods: {} },
  {},
];

/** A pod whose CPU attests well, and whose GPU does not. */
export const partlyBadToken: unknown = {
  submods: {
    cpu0: { "ear.status": "affirming", "ear.veraison.annotated-evidence": { init_data: STRANGER } },
    gpu0: { "ear.status": "contraindicated" },
  },
};

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

/** The key to ask for where a secret's keys are not known. */
const ANY_KEY = "key";

/** The secrets to ask about, with one of their keys: those that the KBS serves and those that the policy restricts. */
export function askedSecrets(
  trustee: TrusteeFacts,
): readonly { readonly secret: string; readonly key: string }[] {
  const generated = readGenerated(livePolicy(trustee).text ?? "");
  const names = new Set([...trustee.kbsConfig.secrets, ...Object.keys(generated?.secrets ?? {})]);
  return [...names].map((secret) => {
    const [key = ANY_KEY] = trustee.secrets.find(({ name }) => name === secret)?.keys ?? [];
    return { secret, key };
  });
}

/** The odd requests that a policy which restricts `secrets` must deny to a stranger, for one sort of KBS. */
export function oddRequests(
  kind: KbsKind,
  secrets: readonly { readonly secret: string; readonly key: string }[],
): readonly OddRequest[] {
  return [...secrets.flatMap(({ secret, key }) => oddAbout(kind, secret, key)), ...shapeless];
}

/** Everything that `lint` asks the live policy. */
export function lintQuestions(trustee: TrusteeFacts): readonly PolicyQuestion[] {
  const secrets = askedSecrets(trustee);
  return kbsKinds(generationOf(trustee)).flatMap((kind) => [
    ...secrets.flatMap(({ secret, key }) =>
      [strangerToken, partlyBadToken, ...badTokens].map((input) => ({
        syntax: kind.syntax,
        data: requestData(kind.shape, secret, key),
        input,
      })),
    ),
    ...oddRequests(kind, secrets).map(({ data }) => ({ syntax: kind.syntax, data, input: strangerToken })),
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
