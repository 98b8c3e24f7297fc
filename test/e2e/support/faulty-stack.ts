import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { readDocument } from "../../../core/reference-values/document.ts";
import { generationFacts, type Generation } from "../../../core/trustee/generation.ts";
import { startSandbox, type Sandbox } from "../../../sandbox/api.ts";
import { FaultProxy, type Call } from "../../support/fault-proxy.ts";
import { cells, configMapKey, podUids, sharedData, tutorialCells, type SharedData } from "./cluster.ts";
import { devConfiguration, Project, type Configuration } from "./project.ts";
import { PulumiRun, type EndedRun } from "./pulumi-run.ts";
import { Stranger } from "./stranger.ts";

export function isWrite({ method }: Call): boolean {
  return method !== "GET";
}

/** The tutorial's stack, which reaches its cluster through a {@link FaultProxy}. */
export class FaultyStack {
  readonly sandbox: Sandbox;
  readonly proxy: FaultProxy;
  readonly project: Project;
  /** Requests the secret that the stack creates, and must never get it. */
  readonly stranger: Stranger;
  readonly #before: SharedData;

  private constructor(
    sandbox: Sandbox,
    proxy: FaultProxy,
    project: Project,
    stranger: Stranger,
    before: SharedData,
  ) {
    this.sandbox = sandbox;
    this.stranger = stranger;
    this.proxy = proxy;
    this.project = project;
    this.#before = before;
  }

  static async start(name: string, trustee: Generation): Promise<FaultyStack> {
    const sandbox = await startSandbox({ name: `e2e-${name}`, trustee });
    const stranger = await Stranger.start(sandbox, ["p2-secret/secret"]);
    const before = await sharedData(sandbox);
    const proxy = await FaultProxy.start(sandbox.kubeconfig);
    const project = new Project(sandbox, name);
    const stack = new FaultyStack(sandbox, proxy, project, stranger, before);
    writeFileSync(stack.#kubeconfig, proxy.kubeconfig);
    stack.configure({});
    await project.succeed(...project.initArguments);
    return stack;
  }

  /** Writes the tutorial's settings with these changes. */
  configure(change: Configuration): void {
    const clusters = {
      trustee: { kubeconfig: this.#kubeconfig },
      podCluster: { kubeconfig: this.#kubeconfig },
    };
    this.project.configure({ ...devConfiguration(), ...clusters, ...change });
  }

  get #kubeconfig(): string {
    return join(this.project.folder, "proxy.yaml");
  }

  async dispose(): Promise<void> {
    await this.stranger.stop();
    this.proxy.heal();
    await this.project.dispose();
    this.proxy.stop();
    await this.sandbox.stop();
  }

  /** Starts `up` or `destroy` in new processes, like a user's command. For a run that is killed or interrupted. */
  run(command: "up" | "destroy", ...args: readonly string[]): PulumiRun {
    return new PulumiRun(this.project, command, "--yes", "--skip-preview", ...args);
  }

  /** Runs `up` or `destroy` to its end, whether it succeeds or fails. */
  async runToEnd(command: "up" | "destroy"): Promise<EndedRun> {
    const args = [command, "--yes", "--skip-preview", "--stack", this.project.stack];
    const { exitCode, stdout, stderr } = await this.project.pulumi(...args);
    return { exitCode, output: stdout + stderr };
  }

  /** The stack is up: the nine cells, no duplicate of our entries, and no changes in a preview. */
  async expectUp(): Promise<void> {
    expect(await cells(this.sandbox)).toEqual(tutorialCells);
    const { referenceValuesKey: key } = generationFacts[this.sandbox.trustee];
    const { kbsConfig } = await sharedData(this.sandbox);
    expect(kbsConfig["kbsSecretResources"]).toEqual([
      ...(this.#before.kbsConfig["kbsSecretResources"] as readonly string[]),
      "p2-secret",
    ]);
    const values = async (): Promise<string> =>
      configMapKey(this.sandbox, "trusteeconfig-rvps-reference-values", key);
    const before = this.#before.configMaps["trusteeconfig-rvps-reference-values"]?.data?.[key] ?? "";
    const ours = Object.values((await this.project.outputs())["initData"] as Record<string, string>);
    const lengths = (text: string): [string, number][] =>
      readDocument(key, text).entries.map((entry) => [entry.name, entry.values.length]);
    expect(lengths(await values())).toEqual(
      lengths(before).map(([name, length]) => [
        name,
        name.endsWith("_pcr08") ? length + ours.length : length,
      ]),
    );
    await this.project.expectNoChanges();
  }

  /** Everything is as before the stack's first run, byte for byte. */
  async expectRestored(): Promise<void> {
    expect(await sharedData(this.sandbox)).toEqual(this.#before);
    expect(await podUids(this.sandbox)).toEqual({});
  }
}
