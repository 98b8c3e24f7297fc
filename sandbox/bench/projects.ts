import { copyFileSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Sandbox } from "../api.ts";
import { repositoryFolder } from "../state/folders.ts";
import { fleetSettings } from "./fleet.ts";

/** A Pulumi project in its own folder, with one stack on the sandbox. */
export class BenchProject {
  readonly #folder = mkdtempSync(join(tmpdir(), "trustee-access-bench-"));
  readonly #stack: string;
  readonly #sandbox: Sandbox;

  private constructor(sandbox: Sandbox, stack: string, source: string, links: readonly string[]) {
    this.#sandbox = sandbox;
    this.#stack = stack;
    for (const name of links) symlinkSync(join(repositoryFolder, name), join(this.#folder, name));
    symlinkSync(join(repositoryFolder, source, "index.ts"), join(this.#folder, "index.ts"));
    copyFileSync(join(repositoryFolder, source, "Pulumi.yaml"), join(this.#folder, "Pulumi.yaml"));
  }

  /** This project's program with a fleet of pods. */
  static async ours(sandbox: Sandbox, pods: number): Promise<BenchProject> {
    const links = ["package.json", "components", "core", "kube", "provider", "node_modules"];
    const project = new BenchProject(sandbox, `fleet-${pods}`, ".", links);
    await project.#init("trustee-access", { ...fleetSettings(pods) });
    return project;
  }

  /** The bare program with the same number of pods. */
  static async bare(sandbox: Sandbox, pods: number): Promise<BenchProject> {
    const project = new BenchProject(sandbox, `bare-${pods}`, "sandbox/bench/bare", [
      "package.json",
      "node_modules",
    ]);
    await project.#init("bench-bare", { pods });
    return project;
  }

  async #init(namespace: string, settings: Readonly<Record<string, unknown>>): Promise<void> {
    const config = Object.fromEntries(
      Object.entries(settings).map(([name, value]) => [`${namespace}:${name}`, value]),
    );
    // JSON is YAML.
    writeFileSync(join(this.#folder, `Pulumi.${this.#stack}.yaml`), JSON.stringify({ config }));
    await this.run("stack", "init");
  }

  /** @throws Error with pulumi's output if it fails */
  async run(...command: readonly string[]): Promise<void> {
    const args = [...command, "--stack", this.#stack];
    const { exitCode, stdout, stderr } = await this.#sandbox.pulumi(args, { cwd: this.#folder });
    if (exitCode !== 0)
      throw new Error(`pulumi ${args.join(" ")} failed (${exitCode}):\n${stdout}\n${stderr}`);
  }

  /** Removes the stack and the folder. Destroys what a failed command has left first. */
  async dispose(): Promise<void> {
    const pulumi = async (...command: readonly string[]): Promise<number> =>
      (await this.#sandbox.pulumi([...command, "--stack", this.#stack], { cwd: this.#folder })).exitCode;
    if ((await pulumi("stack", "rm", "--yes")) !== 0) {
      await pulumi("destroy", "--yes", "--skip-preview");
      await pulumi("stack", "rm", "--yes");
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
