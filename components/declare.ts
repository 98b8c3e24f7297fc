import * as pulumi from "@pulumi/pulumi";
import { changeLine } from "../core/access/changes.ts";
import { otherReaderLine } from "../core/access/other-readers.ts";
import { guard } from "../core/limits/guard.ts";
import { own } from "../core/own.ts";
import { makePlan, type Plan } from "../core/plan/plan.ts";
import type { SettingsInput } from "../core/settings/input.ts";
import { isCreated } from "../core/settings/references.ts";
import { parseSettings, type RawSettings, type Settings } from "../core/settings/settings.ts";
import { connectClusters, readLivePods, type Clusters } from "./clusters.ts";
import type { SecretValues } from "./configuration.ts";
import { readFiles, type Files } from "./files.ts";
import type { SecretData } from "./kbs-secret.ts";
import { outputsOf } from "./outputs.ts";
import { stackName } from "./stack-name.ts";
import { TrusteeAccess } from "./trustee-access.ts";
import * as trustee from "./trustee/index.ts";

/** Everything that one stack declares, as settings: those that the README lists. */
export interface TrusteeAccessDeclaration {
  readonly settings: SettingsInput;
  /** The values of secrets with `from: setting`. @default none */
  readonly secretValues?: SecretValues;
}

/** What was declared, and what it came to. */
export interface DeclaredTrusteeAccess {
  readonly access: TrusteeAccess;
  /** Known at preview: the initdata, the grants, the matrix. */
  readonly plan: Plan;
  /** What the stack of this project puts out: the matrix, PCR8s, annotations and more, as the README lists them. */
  readonly outputs: Readonly<Record<string, unknown>>;
}

/** Reads the live Trustee, and refuses one that this stack could not be put on. */
function readTrustee(settings: Settings, clusters: Clusters): Promise<trustee.GetTrusteeResult> {
  const { namespace, kbsConfig, deployment, certificateSecret, url, generation } = settings.trustee;
  const named = (created: boolean): string[] =>
    settings.secrets.filter((secret) => isCreated(secret) === created).map((secret) => secret.name);
  return trustee.getTrustee(
    {
      namespace,
      kbsConfig,
      deployment,
      certificateSecret,
      url,
      generation,
      existingSecrets: named(false),
      createdSecrets: named(true),
      stack: stackName(),
    },
    { provider: clusters.trustee },
  );
}

function base64(text: string): string {
  return Buffer.from(text, "utf8").toString("base64");
}

/** The values that are given, for each secret that is created from them: from here on they are Pulumi secrets. */
function secretDataOf(
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

/**
 * Calls out every cell that is about to open, who else reads this stack's secrets, and a live policy that is not what it says of
 * itself; cells that close, and initdata that changes, are for information.
 */
async function sayChanges({ changing, rotation, doubts, otherReaders, accessChanges }: Plan): Promise<void> {
  const [kept, refused] = [true, false].map((overlaps) =>
    changing.filter((reader) => rotation.overlapping.includes(reader) === overlaps).join(", "),
  );
  if (kept !== "") {
    await pulumi.log.info(
      `other initdata for ${kept}: the former one stays accepted until its successor is ready`,
    );
  }
  if (refused !== "") {
    await pulumi.log.info(`other initdata for ${refused}: the former one is refused at once`);
  }
  for (const doubt of doubts) await pulumi.log.warn(doubt);
  for (const other of otherReaders) await pulumi.log.warn(otherReaderLine(other));
  for (const change of accessChanges) {
    await (change.effect === "opens" ? pulumi.log.warn : pulumi.log.info)(changeLine(change));
  }
}

/**
 * Declares everything, or, with a message that names every problem, nothing. Once a stack: the policy knows its lines by
 * the stack's name.
 * @param subject what the message says that the problems are in
 * @throws IssuesError with all problems at once
 */
export async function declareTrusteeAccess(
  name: string,
  {
    settings: raw,
    secretValues = {},
  }: TrusteeAccessDeclaration | { readonly settings: RawSettings; readonly secretValues?: SecretValues },
  subject = `the settings of ${name}`,
): Promise<DeclaredTrusteeAccess> {
  const valueNames = Object.fromEntries(
    Object.entries(secretValues).map(([secret, keys]) => [secret, Object.keys(keys)]),
  );
  const settings = parseSettings(raw, valueNames, subject);
  const files = await readFiles(settings, subject);
  const clusters = connectClusters(settings);
  const [live, livePods] = await Promise.all([
    readTrustee(settings, clusters),
    readLivePods(settings, clusters),
  ]);
  const plan = makePlan(settings, live, { files: files.initdata, livePods }, stackName(), subject);
  const { budget, warnings } = guard({ settings, plan, live }, new Date(), subject);
  for (const warning of warnings) await pulumi.log.warn(warning);
  await sayChanges(plan);
  const access = new TrusteeAccess(name, {
    settings,
    plan,
    secretData: secretDataOf(settings, secretValues, files),
    generation: live.generation,
    ...clusters,
  });
  return { access, plan, outputs: outputsOf({ settings, plan, live, access, budget }) };
}
