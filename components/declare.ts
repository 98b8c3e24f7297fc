import * as pulumi from "@pulumi/pulumi";
import { changeLine, doubtLine } from "../core/access/changes.ts";
import { otherReaderLine } from "../core/access/other-readers.ts";
import { Issues, IssuesError } from "../core/issues.ts";
import { guard } from "../core/preflight/guard.ts";
import { checkPodCluster } from "../core/plan/pod-cluster.ts";
import { mapValues, messageOf, own as member } from "../core/records.ts";
import { tryPlan, type Plan } from "../core/plan/plan.ts";
import { foreignDamage } from "../core/policy/damage.ts";
import { shownText } from "../core/policy/shown-name.ts";
import type { StackId } from "../core/policy/grants.ts";
import type { SettingsInput } from "../core/settings/schema.ts";
import { isCreated } from "../core/settings/references.ts";
import { readSettings, type Settings } from "../core/settings/settings.ts";
import { UserError } from "../core/user-error.ts";
import { connectClusters, readPodCluster, type Clusters } from "./clusters.ts";
import { readConfiguration, type Configuration, type SecretValues } from "./configuration.ts";
import { readFiles, type Files } from "./files.ts";
import type { SecretData } from "./kbs-secret.ts";
import { outputsOf, type StackOutputs } from "./outputs.ts";
import { stackIdentity } from "./stack-identity.ts";
import { TrusteeAccess } from "./trustee-access.ts";
import * as trustee from "./trustee/index.ts";

/** Everything that one stack declares, as settings: see `docs/settings.md`. */
export interface TrusteeAccessDeclaration {
  readonly settings: SettingsInput;
  /** The values of secrets with `from: setting`. @default none */
  readonly secretValues?: SecretValues;
}

/** The declared resources, with their plan and outputs. */
export interface DeclaredTrusteeAccess {
  readonly access: TrusteeAccess;
  /** The initdata, grants and matrix, known at preview. */
  readonly plan: Plan;
  /** The outputs of this project's stack: the matrix, PCR8s, annotations and more, see `docs/outputs.md`. */
  readonly outputs: StackOutputs;
}

/** Reads the live Trustee. Fails if this stack cannot be deployed on it. */
function readTrustee(
  settings: Settings,
  files: Files,
  clusters: Clusters,
  own: StackId,
): Promise<trustee.GetTrusteeResult> {
  const { kubeconfig, context, certificateAuthorityFile, rolloutTimeoutMinutes, ...named } = settings.trustee;
  const secrets = (created: boolean): string[] =>
    settings.secrets.filter((secret) => isCreated(secret) === created).map((secret) => secret.name);
  return trustee.getTrustee(
    {
      ...named,
      certificateAuthority: named.certificateAuthority ?? files.authority,
      generatesInitdata: settings.pods.some(({ initdataFile }) => initdataFile === undefined),
      existingSecrets: secrets(false),
      createdSecrets: secrets(true),
      ...own,
    },
    { provider: clusters.trustee },
  );
}

function base64(text: string): string {
  return Buffer.from(text, "utf8").toString("base64");
}

/** The given values of each secret that is created from them, as Pulumi secrets. */
function secretDataOf(
  settings: Settings,
  values: SecretValues,
  files: Files,
): Readonly<Record<string, pulumi.Output<SecretData>>> {
  const data = settings.secrets.flatMap(({ name, from }): [string, pulumi.Output<SecretData>][] => {
    if (from === "file") return [[name, pulumi.secret(member(files.secrets, name) ?? {})]];
    if (from !== "setting") return [];
    const encoded = Object.entries(member(values, name) ?? {}).map(([key, value]) =>
      pulumi.output(value).apply((text): [string, string] => [key, base64(text)]),
    );
    return [[name, pulumi.secret(pulumi.all(encoded).apply((keys) => Object.fromEntries(keys)))]];
  });
  return Object.fromEntries(data);
}

/**
 * Warns about every cell that opens, other readers of this stack's secrets, and problems of the live policy.
 * Logs closing cells and changing initdata as information.
 */
async function sayChanges({ changing, rotation, doubts, otherReaders, accessChanges }: Plan): Promise<void> {
  const [kept, refused] = [true, false].map((overlaps) =>
    changing.filter((reader) => rotation.overlapping.includes(reader) === overlaps).join(", "),
  );
  if (kept !== "") {
    await pulumi.log.info(
      `initdata changes for ${kept}: the previous one stays accepted until the new pod is ready`,
    );
  }
  if (refused !== "") {
    await pulumi.log.info(`initdata changes for ${refused}: the previous one is refused at once`);
  }
  for (const doubt of doubts) await pulumi.log.warn(doubtLine(doubt));
  for (const other of otherReaders) await pulumi.log.warn(otherReaderLine(other));
  for (const change of accessChanges) {
    await (change.effect === "opens" ? pulumi.log.warn : pulumi.log.info)(changeLine(change));
  }
}

/**
 * Declares everything, or nothing if there are problems. Call it once per stack: the policy knows a stack's
 * line by the stack's name.
 * @param opts options of the parent component. Its providers are created here, one per cluster of the
 *   settings
 * @throws IssuesError with all problems of the settings and their files; if there are none, with all problems
 *   of the live Trustee and its pods
 */
export async function declareTrusteeAccess(
  name: string,
  declaration: TrusteeAccessDeclaration,
  opts?: pulumi.ComponentResourceOptions,
): Promise<DeclaredTrusteeAccess> {
  return declareConfiguration(
    name,
    { secretValues: {}, ...declaration, problems: [] },
    `the settings of ${name}`,
    opts,
  );
}

/**
 * Declares a stack's configuration, which is not validated yet.
 * @param subject what has the problems, for the message
 * @throws IssuesError as {@link declareTrusteeAccess} does
 */
export async function declareConfiguration(
  name: string,
  { settings: raw, secretValues, problems }: Configuration,
  subject: string,
  opts?: pulumi.ComponentResourceOptions,
): Promise<DeclaredTrusteeAccess> {
  const valueNames = mapValues(secretValues, (keys) => Object.keys(keys));
  const issues = new Issues();
  const settings = readSettings(raw, valueNames, problems, issues);
  const files = await readFiles(settings, issues);
  issues.throwIfAny(subject);
  const clusters = connectClusters(settings);
  const identity = await stackIdentity(clusters.trustee, opts?.parent);
  const { own } = identity;
  const [live, { livePods, podCluster }] = await Promise.all([
    readTrustee(settings, files, clusters, own),
    readPodCluster(settings, clusters),
  ]);
  checkPodCluster(settings.pods, podCluster, issues);
  const plan = tryPlan(settings, live, { files: files.initdata, livePods }, own, issues);
  // If a line of another stack is damaged, the next policy cannot be rendered, so it cannot be checked.
  if (foreignDamage(live.policy, own.stack).length > 0) issues.throwIfAny(subject);
  const { budget, warnings } = guard({ settings, plan, live }, new Date(), issues);
  for (const warning of warnings) await pulumi.log.warn(warning);
  issues.throwIfAny(subject);
  await sayChanges(plan);
  const access = new TrusteeAccess(
    name,
    {
      settings,
      plan,
      secretData: secretDataOf(settings, secretValues, files),
      identity,
      live,
      ...clusters,
    },
    opts,
  );
  return { access, plan, outputs: outputsOf({ settings, plan, live, access, budget }) };
}

/** Older ones ignore the option `replacementTrigger`, which replaces a Pod when its declaration changes. */
const PULUMI = ">=3.215.0";

/** The program. A problem that the user can fix is shown without a stack trace. */
export async function declareStack(): Promise<StackOutputs> {
  await pulumi.requirePulumiVersion(PULUMI).catch((error: unknown) => {
    const reason = messageOf(error).replace(/\.$/, "");
    const text = `This program needs the Pulumi CLI ${PULUMI}: ${reason}. Install a newer one: https://www.pulumi.com/docs/install`;
    throw new pulumi.RunError(new UserError("TA953", text).message);
  });
  try {
    const subject = `the settings of stack ${pulumi.getStack()}`;
    const { outputs } = await declareConfiguration("access", readConfiguration(), subject);
    return outputs;
  } catch (error) {
    if (error instanceof IssuesError || error instanceof UserError)
      throw new pulumi.RunError(shownText(error.message));
    throw error;
  }
}
