import { given, type Issue } from "../issues.ts";
import { isRecord, mapValues } from "../records.ts";

/** The values in `secretValues`, and the problems found. */
interface ReadSecretValues {
  /** Secret -> key -> its value. */
  readonly values: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Never contain a value. */
  readonly problems: readonly Issue[];
}

/** The setting with the values of secrets. It has its own reader; the rest of core sees only its names. */
export const SECRET_VALUES = "secretValues";

/** Secret -> the keys that `secretValues` sets for it. Names only, never a value. */
export type SecretValueNames = Readonly<Record<string, readonly string[]>>;

function kindOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "a list" : `of type ${typeof value}`;
}

function setAgain(secret: string, key: string): string {
  return `pulumi config set --secret --path 'trustee-access:${SECRET_VALUES}["${secret}"]["${key}"]' < FILE`;
}

/**
 * Reads the values of secrets from a stack's configuration: a text per key and secret.
 * @param value the parsed setting; `undefined` if it is not set
 * @param encrypted whether Pulumi stores the setting as a secret. If not, the values are in plain text in
 *   Pulumi.<stack>.yaml, and are rejected. Pulumi reports this per setting: one plain value next to an
 *   encrypted one goes unnoticed.
 */
export function readSecretValues(value: unknown, encrypted: boolean): ReadSecretValues {
  const problems: Issue[] = [];
  const refuse = (found: unknown, path: readonly string[], allowed: string, fix: string): void => {
    const given = `a value that is ${kindOf(found)}`;
    problems.push({ code: "TA602", path: [SECRET_VALUES, ...path].join("."), given, allowed, fix });
  };
  if (value === undefined) return { values: {}, problems };
  if (!isRecord(value)) {
    const fix = `Set each value by its path: ${setAgain("<secret>", "<key>")}`;
    refuse(value, [], "secret -> key -> text", fix);
    return { values: {}, problems };
  }
  const values = mapValues(value, (keys, secret): Readonly<Record<string, string>> => {
    if (!isRecord(keys)) {
      refuse(keys, [secret], "key -> text", `Set it by its path: ${setAgain(secret, "<key>")}`);
      return {};
    }
    return mapValues(keys, (text, key) => {
      if (typeof text === "string") return text;
      refuse(text, [secret, key], "a text", `Set it as an encrypted text: ${setAgain(secret, key)}`);
      return "";
    });
  });
  const [secret, keys] = Object.entries(value).find(([, held]) => isRecord(held)) ?? [];
  if (!encrypted && secret !== undefined) {
    const names = Object.keys(value).map(given).join(", ");
    problems.push({
      code: "TA613",
      path: SECRET_VALUES,
      given: `plain-text values of ${names}`,
      allowed: "values that Pulumi holds encrypted",
      fix:
        `Set each again: ${setAgain(secret, Object.keys(isRecord(keys) ? keys : {})[0] ?? "<key>")}, ` +
        "and choose another value if the file was shared.",
    });
  }
  return { values, problems };
}

/**
 * The problem of an encrypted setting other than `secretValues`. Its value would appear in plain text in the
 * state, the outputs, the preview and cluster objects. Callers must not parse it further, since problems
 * quote values.
 */
export function encryptedProblem(setting: string): Issue {
  return {
    code: "TA612",
    path: setting,
    given: "a value that Pulumi holds encrypted, as a whole or in part",
    allowed: `${SECRET_VALUES} alone: every other setting shows in the state, the outputs and objects of the cluster`,
    fix:
      "Set it as plain text (pulumi config set --plaintext). If it is a secret, give it to Trustee: declare it in secrets, set it in " +
      `${SECRET_VALUES}, and grant it to the pod. For a kubeconfig, set the file's path.`,
  };
}
