import * as pulumi from "@pulumi/pulumi";
import type { Issue } from "../core/issues.ts";
import { readSecretValues, SECRET_VALUES } from "../core/settings/secret-values.ts";
import type { RawSettings } from "../core/settings/settings.ts";

const NAMESPACE = "trustee-access";

/** Secret -> key -> its value, a text. */
export type SecretValues = Readonly<Record<string, Readonly<Record<string, pulumi.Input<string>>>>>;

/** A stack's configuration, as the pure core takes it: the structure in the open, the secret values apart. */
export interface Configuration {
  readonly settings: RawSettings;
  readonly secretValues: SecretValues;
  /** What is wrong with the secret values. */
  readonly problems: readonly Issue[];
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/**
 * Whether Pulumi holds a setting as a secret: the language host says so in this variable. The SDK's own reader of it is
 * not public. Where it is not said (a program inside of the Automation API), nothing is known against it.
 */
function isEncrypted(setting: string): boolean {
  const said = process.env["PULUMI_CONFIG_SECRET_KEYS"];
  const keys = said === undefined ? undefined : parse(said);
  return !Array.isArray(keys) || keys.includes(`${NAMESPACE}:${setting}`);
}

/** Every setting of this project in the stack's configuration. Secret values leave here as Pulumi secrets only. */
export function readConfiguration(): Configuration {
  const settings = Object.fromEntries(
    Object.entries(pulumi.runtime.allConfig()).flatMap(([name, text]) => {
      const [namespace, ...rest] = name.split(":");
      return namespace === NAMESPACE ? [[rest.join(":"), parse(text)] as const] : [];
    }),
  );
  const { [SECRET_VALUES]: given, ...open } = settings;
  const { values, problems } = readSecretValues(given, isEncrypted(SECRET_VALUES));
  const asSecrets = (keys: Readonly<Record<string, string>>): Record<string, pulumi.Output<string>> =>
    Object.fromEntries(Object.entries(keys).map(([key, value]) => [key, pulumi.secret(value)]));
  return {
    settings: open,
    secretValues: Object.fromEntries(Object.entries(values).map(([name, keys]) => [name, asSecrets(keys)])),
    problems,
  };
}
