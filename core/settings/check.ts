import { algorithmsOf } from "../initdata/binding.ts";
import { given, type Issues } from "../issues.ts";
import { checkName } from "../names.ts";
import type { PodDeclaration } from "./pod.ts";
import type { SectionName, Sections } from "./schema.ts";
import type { SecretValueNames, Settings } from "./settings.ts";

function listed(names: readonly string[]): string {
  if (names.length === 0) return "nothing, since none is declared";
  return [...new Set(names)].map((name) => (/^[\w.-]+$/.test(name) ? name : given(name))).join(", ");
}

/** Secrets of Trustee's own that must never be handed out or overwritten. */
const reservedSecrets: readonly string[] = [
  "trusteeconfig-auth-secret",
  "trusteeconfig-https-cert-secret",
  "trusteeconfig-https-key-secret",
  "trustee-tls-cert",
];

function checkUnique(
  names: readonly { readonly name: string; readonly path: string }[],
  what: string,
  issues: Issues,
): void {
  const first = new Map<string, string>();
  for (const { name, path } of names) {
    const before = first.get(name);
    if (before === undefined) first.set(name, path);
    else {
      issues.add({
        path,
        given: given(name),
        allowed: `${what} that is not declared yet`,
        mend: `It stands at ${before} too: keep one of the two, or rename one.`,
      });
    }
  }
}

function checkPod(pod: PodDeclaration, path: string, issues: Issues): void {
  checkName("subdomain", pod.name, `${path}.name`, issues);
  checkName("label", pod.namespace, `${path}.namespace`, issues);
  checkName("label", pod.containerName, `${path}.containerName`, issues);
  if (pod.image === "") {
    issues.add({
      path: `${path}.image`,
      given: "nothing",
      allowed: "an image reference",
      mend: "Set it for this pod, or for all in podDefaults.image.",
    });
  }
  if (!algorithmsOf(pod.binding).includes(pod.algorithm)) {
    issues.add({
      path: `${path}.algorithm`,
      given: given(pod.algorithm),
      allowed: `${algorithmsOf(pod.binding).join(", ")} (the binding ${pod.binding} extends a SHA-256 PCR)`,
      mend: "Use sha256, or the binding of a bare-metal TEE (snp, tdx).",
    });
  }
}

function checkSecret(
  secret: Sections["secrets"][number],
  path: string,
  values: SecretValueNames,
  issues: Issues,
): void {
  checkName("subdomain", secret.name, `${path}.name`, issues);
  secret.keys.forEach((key, index) => {
    checkName("secretKey", key, `${path}.keys[${index}]`, issues);
  });
  checkUnique(
    secret.keys.map((name, index) => ({ name, path: `${path}.keys[${index}]` })),
    "a key",
    issues,
  );
  if (reservedSecrets.includes(secret.name)) {
    issues.add({
      path: `${path}.name`,
      given: given(secret.name),
      allowed: "a name that Trustee does not use for its own Secrets",
      mend: "Rename the secret.",
    });
  }
  if (secret.from !== "setting") return;
  const held = values[secret.name] ?? [];
  for (const key of secret.keys.filter((name) => !held.includes(name))) {
    issues.add({
      path: `secretValues.${secret.name}.${key}`,
      given: "nothing",
      allowed: "the value of a secret that is created here",
      mend: `Set it: pulumi config set --secret --path 'trustee-access:secretValues["${secret.name}"]["${key}"]', or declare the secret with from: existing.`,
    });
  }
}

function checkSecretValues(secrets: Sections["secrets"], values: SecretValueNames, issues: Issues): void {
  for (const [name, keys] of Object.entries(values)) {
    const secret = secrets.find((one) => one.name === name && one.from === "setting");
    if (secret === undefined) {
      issues.add({
        path: `secretValues.${name}`,
        given: "values of a secret that is not created here",
        allowed: listed(secrets.filter((one) => one.from === "setting").map((one) => one.name)),
        mend: `Declare it under secrets with from: setting, or remove its values.`,
      });
      continue;
    }
    for (const key of keys.filter((one) => !secret.keys.includes(one))) {
      issues.add({
        path: `secretValues.${name}.${key}`,
        given: "a value of an undeclared key",
        allowed: listed(secret.keys),
        mend: `Add the key to ${name}'s keys, or remove the value.`,
      });
    }
  }
}

function checkGrant(
  grant: Sections["grants"][number],
  path: string,
  settings: Pick<Settings, "pods" | "secrets">,
  failed: ReadonlySet<SectionName>,
  issues: Issues,
): void {
  const { pods, secrets } = settings;
  if (!failed.has("pods") && !pods.some((pod) => pod.name === grant.pod)) {
    issues.add({
      path: `${path}.pod`,
      given: given(grant.pod),
      allowed: listed(pods.map((pod) => pod.name)),
      mend: "Declare the pod under pods, or correct the name.",
    });
  }
  if (failed.has("secrets")) return;
  const secret = secrets.find((one) => one.name === grant.secret);
  if (secret === undefined) {
    issues.add({
      path: `${path}.secret`,
      given: given(grant.secret),
      allowed: listed(secrets.map((one) => one.name)),
      mend: "Declare the secret under secrets, or correct the name.",
    });
  } else if (grant.key !== undefined && !secret.keys.includes(grant.key)) {
    issues.add({
      path: `${path}.key`,
      given: given(grant.key),
      allowed: listed(secret.keys),
      mend: `Add the key to ${secret.name}'s keys, correct it, or leave it out to grant every key.`,
    });
  }
}

/**
 * Everything that can be said of the settings without a cluster: name rules, references, doubles.
 * @param failed sections whose shape is wrong already: nothing is said of what refers to them
 */
export function checkSettings(
  settings: Omit<Settings, "podCluster">,
  values: SecretValueNames,
  failed: ReadonlySet<SectionName>,
  issues: Issues,
): void {
  settings.pods.forEach((pod, index) => {
    checkPod(pod, `pods[${index}]`, issues);
  });
  checkUnique(
    settings.pods.map(({ name }, index) => ({ name, path: `pods[${index}].name` })),
    "a pod",
    issues,
  );
  settings.secrets.forEach((secret, index) => {
    checkSecret(secret, `secrets[${index}]`, values, issues);
  });
  checkUnique(
    settings.secrets.map(({ name }, index) => ({ name, path: `secrets[${index}].name` })),
    "a secret",
    issues,
  );
  if (!failed.has("secrets")) checkSecretValues(settings.secrets, values, issues);
  settings.grants.forEach((grant, index) => {
    checkGrant(grant, `grants[${index}]`, settings, failed, issues);
  });
  checkUnique(
    settings.grants.map(({ pod, secret, key }, index) => ({
      name: `${pod} -> ${secret}/${key ?? "*"}`,
      path: `grants[${index}]`,
    })),
    "a grant",
    issues,
  );
  checkUnique(
    settings.referenceValues.entries.map((name, index) => ({
      name,
      path: `referenceValues.entries[${index}]`,
    })),
    "an entry",
    issues,
  );
}
