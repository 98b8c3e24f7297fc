import { copyFileSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SettingsInput } from "../../core/settings/schema.ts";
import type { Sandbox } from "../api.ts";
import { repositoryFolder } from "../state/folders.ts";

/** The tutorial with more pods: one third reads one secret, one third another, and one third neither. */
export function fleetSettings(pods: number): SettingsInput {
  const names = Array.from({ length: pods }, (_, index) => `fleet-${index + 1}`);
  return {
    secrets: [
      { name: "fraud-dataset", keys: ["dataset_key"] },
      { name: "p2-secret", keys: ["secret"], from: "generate" },
      { name: "kbsres1", keys: ["key1"] },
    ],
    grants: names.flatMap((pod, index) => {
      const secret = ["fraud-dataset", "p2-secret"][index % 3];
      return secret === undefined ? [] : [{ pod, secret }];
    }),
    podDefaults: {
      image: "registry.example/app:1",
      containerName: "main",
      execCurl: ["fraud-dataset/dataset_key", "p2-secret/secret", "kbsres1/key1"],
    },
    pods: names.map((name) => ({ name })),
  };
}

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
