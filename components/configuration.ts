import * as pulumi from "@pulumi/pulumi";
import type { Issue } from "../core/issues.ts";
import { mapValues, own } from "../core/records.ts";
import { encryptedProblem, readSecretValues, SECRET_VALUES } from "../core/settings/secret-values.ts";
import type { RawSettings } from "../core/settings/settings.ts";
import type { Settings } from "../core/settings/schema.ts";
import type { Files } from "./files.ts";
import type { SecretData } from "./kbs-secret.ts";

const NAMESPACE = "trustee-access";

/** Secret -> key -> its value. */
export type SecretValues = Readonly<Record<string, Readonly<Record<string, pulumi.Input<string>>>>>;

/** A stack's configuration for the pure core: plain settings, and secret values apart. */
export interface Configuration {
  readonly settings: RawSettings;
  readonly secretValues: SecretValues;
  /** Problems of the secret values, and other settings that must not be encrypted. */
  readonly problems: readonly Issue[];
  /** What has the problems, for the message. */
  readonly subject: string;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/**
 * The settings that are Pulumi secrets, wholly or in part. The language host lists them in this variable; the
 * SDK's own reader is not public. `undefined` if they are not listed (inline programs of the Automation API).
 */
function encryptedSettings(): readonly string[] | undefined {
  const said = process.env["PULUMI_CONFIG_SECRET_KEYS"];
  const keys = said === undefined ? undefined : parse(said);
  if (!Array.isArray(keys)) return undefined;
  return keys.flatMap((key) => settingOf(String(key)) ?? []);
}

/** A setting's name without this project's namespace. */
function settingOf(key: string): string | undefined {
  return key.startsWith(`${NAMESPACE}:`) ? key.slice(NAMESPACE.length + 1) : undefined;
}

/** Reads this project's settings from the stack's configuration. Secret values become Pulumi secrets. */
export function readConfiguration(): Configuration {
  const encrypted = encryptedSettings();
  const settings = Object.entries(pulumi.runtime.allConfig()).flatMap(([key, text]) => {
    const name = settingOf(key);
    return name === undefined ? [] : [{ name, text, hidden: encrypted?.includes(name) ?? false }];
  });
  const refused = settings.filter(({ name, hidden }) => hidden && name !== SECRET_VALUES);
  const open = settings.filter((setting) => setting.name !== SECRET_VALUES && !setting.hidden);
  const given = settings.find(({ name }) => name === SECRET_VALUES);
  // Without the list, the values count as encrypted.
  const { values, problems } = readSecretValues(
    given && parse(given.text),
    given?.hidden === true || encrypted === undefined,
  );
  const asSecrets = (keys: Readonly<Record<string, string>>): Record<string, pulumi.Output<string>> =>
    mapValues(keys, (value) => pulumi.secret(value));
  return {
    settings: Object.fromEntries(open.map(({ name, text }) => [name, parse(text)])),
    secretValues: mapValues(values, asSecrets),
    problems: [
      ...problems,
      ...refused
        .map(({ name }) => name)
        .sort()
        .map(encryptedProblem),
    ],
    subject: `the settings of stack ${pulumi.getStack()}`,
  };
}

function base64(text: string): string {
  return Buffer.from(text, "utf8").toString("base64");
}

/** The given values of each secret that is created from them, as Pulumi secrets. */
export function secretDataOf(
  settings: Settings,
  values: SecretValues,
  files: Files,
): Readonly<Record<string, pulumi.Output<SecretData>>> {
  const data = settings.secrets.flatMap(({ name, from }): [string, pulumi.Output<SecretData>][] => {
    if (from === "file") return [[name, pulumi.secret(own(files.secrets, name) ?? {})]];
    if (from !== "setting") return [];
    const encoded = Object.entries(own(values, name) ?? {}).map(([key, value]) =>
      pulumi.output(value).apply((text): [string, string] => [key, base64(text)]),
    );
    return [[name, pulumi.secret(pulumi.all(encoded).apply((keys) => Object.fromEntries(keys)))]];
  });
  return Object.fromEntries(data);
}
