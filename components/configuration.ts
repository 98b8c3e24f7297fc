import * as pulumi from "@pulumi/pulumi";
import { isRecord } from "../core/json.ts";
import { SECRET_VALUES, type RawSettings } from "../core/settings/settings.ts";

const NAMESPACE = "trustee-access";

/** Secret -> key -> its value, a text. */
export type SecretValues = Readonly<Record<string, Readonly<Record<string, pulumi.Input<string>>>>>;

/** A stack's configuration, as the pure core takes it: the structure in the open, the secret values apart. */
export interface Configuration {
  readonly settings: RawSettings;
  readonly secretValues: SecretValues;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Every setting of this project in the stack's configuration. Secret values leave here as Pulumi secrets only. */
export function readConfiguration(): Configuration {
  const settings: Record<string, unknown> = {};
  for (const [name, text] of Object.entries(pulumi.runtime.allConfig())) {
    const [namespace, ...rest] = name.split(":");
    if (namespace === NAMESPACE) settings[rest.join(":")] = parse(text);
  }
  const { [SECRET_VALUES]: values, ...open } = settings;
  const secrets = Object.entries(isRecord(values) ? values : {}).filter(
    (entry): entry is [string, Readonly<Record<string, unknown>>] => isRecord(entry[1]),
  );
  const asSecrets = (keys: Readonly<Record<string, unknown>>): Record<string, pulumi.Output<string>> =>
    Object.fromEntries(Object.entries(keys).map(([key, value]) => [key, pulumi.secret(String(value))]));
  return {
    settings: open,
    secretValues: Object.fromEntries(secrets.map(([name, keys]) => [name, asSecrets(keys)])),
  };
}
