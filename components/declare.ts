import * as pulumi from "@pulumi/pulumi";
import { changeLine, doubtLine } from "../core/access/changes.ts";
import { otherReaderLine } from "../core/access/other-readers.ts";
import { Issues } from "../core/issues.ts";
import { guard } from "../core/preflight/guard.ts";
import { checkPodCluster } from "../core/plan/pod-cluster.ts";
import { mapValues } from "../core/records.ts";
import { tryPlan, type Plan } from "../core/plan/plan.ts";
import { foreignDamage } from "../core/policy/damage.ts";
import type { SettingsInput } from "../core/settings/schema.ts";
import { readSettings } from "../core/settings/settings.ts";
import { connectClusters, readPodCluster, readTrustee, type Clusters } from "./clusters.ts";
import { secretDataOf, type Configuration, type SecretValues } from "./configuration.ts";
import { readFiles } from "./files.ts";
import { outputsOf, type StackOutputs } from "./outputs.ts";
import { stackIdentity } from "./stack-identity.ts";
import { TrusteeAccess } from "./trustee-access.ts";

/** Everything that one stack declares, as settings: see `docs/settings.md`. */
export interface TrusteeAccessDeclaration {
  readonly settings: SettingsInput;
  /** The values of secrets with `from: setting`. @default none */
  readonly secretValues?: SecretValues;
  /**
   * Providers of the program, for example for a kubeconfig that another resource or stack has. The commands
   * still use the kubeconfigs of the settings. @default one for each cluster of the settings
   */
  readonly clusters?: Clusters;
}

/** Without providers, which are in `clusters`. */
type Opts = Omit<pulumi.ComponentResourceOptions, "provider" | "providers">;

/** The declared resources, with their plan and outputs. */
export interface DeclaredTrusteeAccess {
  readonly access: TrusteeAccess;
  /** The initdata, grants and matrix, known at preview. */
  readonly plan: Plan;
  /** The outputs of this project's stack: the matrix, PCR8s, annotations and more, see `docs/outputs.md`. */
  readonly outputs: StackOutputs;
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
 * @param opts options of the parent component
 * @throws IssuesError with all problems of the settings and their files; if there are none, with all problems
 *   of the live Trustee and its pods
 */
export async function declareTrusteeAccess(
  name: string,
  declaration: TrusteeAccessDeclaration,
  opts?: Opts,
): Promise<DeclaredTrusteeAccess> {
  const { clusters, ...configuration } = { secretValues: {}, ...declaration };
  const subject = `the settings of ${name}`;
  return declareConfiguration(name, { ...configuration, problems: [], subject }, opts, clusters);
}

/**
 * Declares a stack's configuration, which is not validated yet.
 * @throws IssuesError as {@link declareTrusteeAccess} does
 */
export async function declareConfiguration(
  name: string,
  { settings: raw, secretValues, problems, subject }: Configuration,
  opts?: Opts,
  given?: Clusters,
): Promise<DeclaredTrusteeAccess> {
  const valueNames = mapValues(secretValues, (keys) => Object.keys(keys));
  const issues = new Issues();
  const settings = readSettings(raw, valueNames, problems, issues);
  const files = await readFiles(settings, issues);
  issues.throwIfAny(subject);
  const clusters = given ?? connectClusters(settings);
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
