import { given, type Issue } from "../issues.ts";
import { isRecord } from "../records.ts";

/** What `secretValues` holds, and what is wrong with it. */
interface ReadSecretValues {
  /** Secret -> key -> its value. */
  readonly values: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Never with a value in it. */
  readonly problems: readonly Issue[];
}

/** The setting whose values are secrets: read by its own way, and only its names are known elsewhere in the core. */
export const SECRET_VALUES = "secretValues";

/** Secret -> the keys that `secretValues` holds for it. Names only, never a value. */
export type SecretValueNames = Readonly<Record<string, readonly string[]>>;

function kindOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "a list" : `of type ${typeof value}`;
}

function setAgain(secret: string, key: string): string {
  return `pulumi config set --secret --path 'trustee-access:${SECRET_VALUES}["${secret}"]["${key}"]' < FILE`;
}

/**
 * Reads the values of secrets as a stack's configuration holds them: a text for each key of each secret.
 * @param value the parsed setting, `undefined` where it is not set
 * @param encrypted whether Pulumi holds the setting as a secret. One that it does not hold so lies in the open in
 * Pulumi.<stack>.yaml and wherever that file went, and is refused. (Pulumi says this of a whole setting: a value in the open beside
 * an encrypted one cannot be told.)
 */
export function readSecretValues(value: unknown, encrypted: boolean): ReadSecretValues {
  if (value === undefined) return { values: {}, problems: [] };
  if (!isRecord(value)) {
    return {
      values: {},
      problems: [
        {
          path: SECRET_VALUES,
          given: `a value that is ${kindOf(value)}`,
          allowed: "secret -> key -> text",
          fix: `Set each value by its path: ${setAgain("<secret>", "<key>")}`,
        },
      ],
    };
  }
  const problems: Issue[] = [];
  const values = Object.entries(value).map(([secret, keys]): [string, Record<string, string>] => {
    if (!isRecord(keys)) {
      problems.push({
        path: `${SECRET_VALUES}.${secret}`,
        given: `a value that is ${kindOf(keys)}`,
        allowed: "key -> text",
        fix: `Set it by its path: ${setAgain(secret, "<key>")}`,
      });
      return [secret, {}];
    }
    const texts = Object.entries(keys).map(([key, text]): [string, string] => {
      if (typeof text !== "string") {
        problems.push({
          path: `${SECRET_VALUES}.${secret}.${key}`,
          given: `a value that is ${kindOf(text)}`,
          allowed: "a text",
          fix: `Set it as an encrypted text, which stays as it is typed: ${setAgain(secret, key)}`,
        });
      }
      return [key, typeof text === "string" ? text : ""];
    });
    return [secret, Object.fromEntries(texts)];
  });
  const [secret, keys] = Object.entries(value).find(([, held]) => isRecord(held)) ?? [];
  if (!encrypted && secret !== undefined) {
    const names = Object.keys(value).map(given).join(", ");
    problems.push({
      path: SECRET_VALUES,
      given: `values in the open, of ${names}`,
      allowed: "values that Pulumi holds encrypted",
      fix:
        `Set each again: ${setAgain(secret, Object.keys(isRecord(keys) ? keys : {})[0] ?? "<key>")}, ` +
        "and choose another value where the file has been shared.",
    });
  }
  return { values: Object.fromEntries(values), problems };
}

/**
 * The problem of a setting, other than `secretValues`, that Pulumi holds encrypted: it would be in the open in the state, the
 * outputs, the preview and objects of the cluster. Its value must not be looked at any further, since problems quote values.
 */
export function encryptedProblem(setting: string): Issue {
  return {
    path: setting,
    given: "a value that Pulumi holds encrypted, as a whole or in part",
    allowed: `${SECRET_VALUES} alone: every other setting shows in the state, the outputs and objects of the cluster`,
    fix:
      "Set it in the open (pulumi config set --plaintext). Where it is a secret, give it to Trustee: declare it in secrets, set it in " +
      `${SECRET_VALUES}, and let the pod read it. Of a kubeconfig name the file's path.`,
  };
}
