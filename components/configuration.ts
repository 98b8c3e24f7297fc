import * as pulumi from "@pulumi/pulumi";
import { SECRET_VALUES, type RawSettings, type SecretValueNames } from "../core/settings/settings.ts";
import type { SecretData } from "./trustee-access.ts";

const NAMESPACE = "trustee-access";

/** A stack's configuration, as the pure core takes it: the structure in the open, the secret values apart. */
export interface Configuration {
  readonly settings: RawSettings;
  /** Which secret has values for which keys: names only. */
  readonly valueNames: SecretValueNames;
  readonly secretData: SecretData;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
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
  return {
    settings: open,
    valueNames: Object.fromEntries(secrets.map(([name, keys]) => [name, Object.keys(keys)])),
    secretData: Object.fromEntries(secrets.map(([name, keys]) => [name, encode(keys)])),
  };
}

function encode(keys: Readonly<Record<string, unknown>>): pulumi.Output<Readonly<Record<string, string>>> {
  const data = Object.entries(keys).map(([key, value]) => [
    key,
    Buffer.from(String(value), "utf8").toString("base64"),
  ]);
  return pulumi.secret(Object.fromEntries(data) as Readonly<Record<string, string>>);
}
