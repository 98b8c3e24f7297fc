import { given, type Issues } from "../issues.ts";
import { VOLUME_NAMES, volumeProblem } from "../kbs-config/volume-names.ts";
import { checkName, checkUnique } from "../names.ts";
import { own } from "../records.ts";
import type { Unread } from "./unread.ts";
import { listed } from "./references.ts";
import type { SecretSettings } from "./schema.ts";
import type { SecretValueNames } from "./secret-values.ts";

/**
 * Trustee's own Secrets, by the operator's fixed names: never grant or overwrite them. Those that the live
 * KbsConfig names are rejected when it is read.
 */
const reservedSecrets: readonly string[] = [
  "trusteeconfig-auth-secret",
  "trusteeconfig-https-cert-secret",
  "trusteeconfig-https-key-secret",
  "trustee-tls-cert",
];

/** A single name that the operator cannot mount blocks every change to the KBS, of all stacks. */
function checkSecretName({ name, from }: SecretSettings, path: string, issues: Issues): void {
  const problem = volumeProblem(name);
  if (problem === undefined) return;
  issues.add({
    code: "TA603",
    path,
    given: `${given(name)}, which ${problem}`,
    allowed: VOLUME_NAMES,
    fix:
      from === "existing"
        ? "Create a Secret with another name and the same keys, and declare that one."
        : "Rename it to follow the rule.",
  });
}

function checkKeys(secret: SecretSettings, path: string, issues: Issues): void {
  if (secret.keys.length === 0) {
    issues.add({
      code: "TA609",
      path: `${path}.keys`,
      given: "no key",
      allowed: "one key at least",
      fix: "List the keys that the KBS is to serve.",
    });
  }
  secret.keys.forEach((key, index) => {
    checkName("secretKey", key, `${path}.keys[${index}]`, issues);
  });
  checkUnique(
    secret.keys.map((name, index) => ({ name, path: `${path}.keys[${index}]` })),
    "a key",
    issues,
  );
}

/** Settings that belong to another `from`. */
function checkSource(secret: SecretSettings, path: string, issues: Issues): void {
  const { from, files, length, keep } = secret;
  if (keep === true && from === "existing") {
    issues.add({
      code: "TA611",
      path: `${path}.keep`,
      given: "true, for a secret with from: existing",
      allowed: "keep for a secret that is created here",
      fix: "Remove it: an existing Secret is never deleted.",
    });
  }
  if (length !== undefined && from !== "generate") {
    issues.add({
      code: "TA611",
      path: `${path}.length`,
      given: `${length}, for a secret with from: ${from}`,
      allowed: "a length for from: generate",
      fix: "Remove it, or set from: generate.",
    });
  }
  if (from !== "file") {
    if (files === undefined) return;
    issues.add({
      code: "TA611",
      path: `${path}.files`,
      given: `files for a secret with from: ${from}`,
      allowed: "files for from: file",
      fix: "Remove them, or set from: file.",
    });
    return;
  }
  for (const key of secret.keys.filter((name) => !Object.hasOwn(files ?? {}, name))) {
    issues.add({
      code: "TA609",
      path: `${path}.files.${key}`,
      given: "nothing",
      allowed: "the path of the file that holds the value",
      fix: "Name a file for this key, or remove the key.",
    });
  }
  for (const key of Object.keys(files ?? {}).filter((name) => !secret.keys.includes(name))) {
    issues.add({
      code: "TA607",
      path: `${path}.files.${key}`,
      given: "a file for an undeclared key",
      allowed: listed(secret.keys),
      fix: "Add the key to keys, or remove the file.",
    });
  }
}

function checkSecret(
  secret: SecretSettings,
  path: string,
  {
    values,
    reserved,
    unread,
  }: { readonly values: SecretValueNames; readonly reserved: readonly string[]; readonly unread: Unread },
  issues: Issues,
): void {
  checkSecretName(secret, `${path}.name`, issues);
  checkKeys(secret, path, issues);
  checkSource(secret, path, issues);
  if (reserved.includes(secret.name)) {
    issues.add({
      code: "TA605",
      path: `${path}.name`,
      given: given(secret.name),
      allowed: "a name that Trustee does not use for its own Secrets",
      fix: "Rename the secret.",
    });
  }
  if (secret.from !== "setting" || unread.hasUnreadValues(secret.name)) return;
  const held = own(values, secret.name) ?? [];
  for (const key of secret.keys.filter((name) => !held.includes(name))) {
    issues.add({
      code: "TA609",
      path: `secretValues.${secret.name}.${key}`,
      given: "nothing",
      allowed: "the value of a secret that is created here",
      fix: `Set it: pulumi config set --secret --path 'trustee-access:secretValues["${secret.name}"]["${key}"]', or declare the secret with from: existing.`,
    });
  }
}

function checkSecretValues(
  secrets: readonly SecretSettings[],
  values: SecretValueNames,
  issues: Issues,
): void {
  for (const [name, keys] of Object.entries(values)) {
    const secret = secrets.find((one) => one.name === name && one.from === "setting");
    if (secret === undefined) {
      issues.add({
        code: "TA607",
        path: `secretValues.${name}`,
        given: "values of a secret that is not created here",
        allowed: listed(secrets.filter((one) => one.from === "setting").map((one) => one.name)),
        fix: `Declare it under secrets with from: setting, or remove its values.`,
      });
      continue;
    }
    for (const key of keys.filter((one) => !secret.keys.includes(one))) {
      issues.add({
        code: "TA607",
        path: `secretValues.${name}.${key}`,
        given: "a value of an undeclared key",
        allowed: listed(secret.keys),
        fix: `Add the key to ${name}'s keys, or remove the value.`,
      });
    }
  }
}

/**
 * @param certificateSecret the Secret with the KBS's certificate and private key
 * @param unread settings that failed to parse; references to them are not checked
 */
export function checkSecrets(
  secrets: readonly SecretSettings[],
  values: SecretValueNames,
  certificateSecret: string,
  unread: Unread,
  issues: Issues,
): void {
  const reserved = [...reservedSecrets, certificateSecret];
  secrets.forEach((secret, index) => {
    checkSecret(secret, `secrets[${index}]`, { values, reserved, unread }, issues);
  });
  checkUnique(
    secrets.map(({ name }, index) => ({ name, path: `secrets[${index}].name` })),
    "a secret",
    issues,
  );
  if (!unread.failed.has("secrets")) checkSecretValues(secrets, values, issues);
}
