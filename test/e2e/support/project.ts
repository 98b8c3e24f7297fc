import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, vi } from "vitest";
import { parse, stringify } from "yaml";
import type { CommandResult, Sandbox } from "../../../sandbox/api.ts";
import { runsCode, WarmHost } from "./warm-host.ts";

/** A stack's settings, without their namespace. */
export type Configuration = Readonly<Record<string, unknown>>;

/** What Pulumi.dev.yaml declares, to be varied by a test. */
export function devConfiguration(): Configuration {
  const { config } = parse(readFileSync("Pulumi.dev.yaml", "utf8")) as { readonly config: Configuration };
  return Object.fromEntries(
    Object.entries(config).map(([name, value]) => [name.replace("trustee-access:", ""), value]),
  );
}

/** An encrypted value for any secret: that of Pulumi.dev.yaml, whose salt every project here has. */
export function encryptedValue(): unknown {
  const values = devConfiguration()["secretValues"] as Record<string, Record<string, unknown>>;
  return values["p2-secret"]?.["secret"];
}

/**
 * The project as a user has it, in a folder of its own: the program is the repository's, the stack's settings are the
 * test's.
 */
export class Project {
  readonly folder = mkdtempSync(join(tmpdir(), "trustee-access-e2e-"));
  readonly stack: string;
  readonly #sandbox: Sandbox;
  readonly #warm: boolean;
  #host: Promise<WarmHost> | undefined;

  /**
   * @param options.cold Each command starts processes of its own for the program and the provider, as a user's does. For tests of
   * processes, messages and the environment; all others are served by a {@link WarmHost}.
   */
  constructor(sandbox: Sandbox, stack: string, { cold = false }: { readonly cold?: boolean } = {}) {
    this.#sandbox = sandbox;
    this.#warm = !cold;
    this.stack = stack;
    for (const name of [
      "package.json",
      "index.ts",
      "components",
      "core",
      "kube",
      "provider",
      "node_modules",
    ]) {
      symlinkSync(resolve(name), join(this.folder, name));
    }
    copyFileSync("Pulumi.yaml", join(this.folder, "Pulumi.yaml"));
  }

  /** The environment in which pulumi runs. */
  get env(): Readonly<Record<string, string>> {
    return this.#sandbox.env;
  }

  /** Writes the stack's settings; the encryption salt, and with it the encrypted value, is that of Pulumi.dev.yaml. */
  configure(configuration: Configuration): void {
    const dev = parse(readFileSync("Pulumi.dev.yaml", "utf8")) as Readonly<Record<string, unknown>>;
    const config = Object.fromEntries(
      Object.entries(configuration).map(([name, value]) => [`trustee-access:${name}`, value]),
    );
    writeFileSync(join(this.folder, `Pulumi.${this.stack}.yaml`), stringify({ ...dev, config }));
  }

  async pulumi(...args: readonly string[]): Promise<CommandResult> {
    const warm =
      this.#warm && runsCode(args) ? await (this.#host ??= WarmHost.start(this.folder, this.env)) : undefined;
    const env = warm === undefined ? {} : { env: warm.env };
    return this.#sandbox.pulumi([...args, ...(warm?.argsOf(args) ?? [])], { cwd: this.folder, ...env });
  }

  /** Runs pulumi, and fails the test with all that it printed if it fails. */
  async succeed(...args: readonly string[]): Promise<string> {
    const { exitCode, stdout, stderr } = await this.pulumi(...args);
    if (exitCode !== 0)
      throw new Error(`pulumi ${args.join(" ")} failed (${exitCode}):\n${stdout}\n${stderr}`);
    return stdout + stderr;
  }

  async init(configuration: Configuration): Promise<void> {
    this.configure(configuration);
    await this.succeed("stack", "init", this.stack);
  }

  /** Without the preview that `up` begins with, which costs as much as the update. */
  async up(...args: readonly string[]): Promise<string> {
    return this.upWithPreview("--skip-preview", ...args);
  }

  /** As a user runs it: what it prints has the preview's part too. */
  async upWithPreview(...args: readonly string[]): Promise<string> {
    return this.succeed("up", "--yes", "--stack", this.stack, ...args);
  }

  async preview(...args: readonly string[]): Promise<CommandResult> {
    return this.pulumi("preview", "--stack", this.stack, ...args);
  }

  /**
   * A preview with what becomes of the stack's outputs. Pulumi 3.259 leaves that section out of some previews, where the stack's row
   * has shown another event last.
   */
  async previewOutputs(): Promise<string> {
    return vi.waitFor(
      async () => {
        const { stdout } = await this.preview();
        expect(stdout).toContain("\nOutputs:\n");
        return stdout;
      },
      { timeout: 120_000 },
    );
  }

  /** A preview that finds nothing to change; fails the test with all that it found. */
  async expectNoChanges(): Promise<void> {
    const { exitCode, stdout, stderr } = await this.preview("--expect-no-changes");
    expect({ exitCode, said: exitCode === 0 ? "" : stdout + stderr }).toEqual({ exitCode: 0, said: "" });
  }

  /** Without the preview, as {@link Project.up}. */
  async destroy(): Promise<string> {
    return this.destroyWithPreview("--skip-preview");
  }

  async destroyWithPreview(...args: readonly string[]): Promise<string> {
    return this.succeed("destroy", "--yes", "--stack", this.stack, ...args);
  }

  async outputs(): Promise<Readonly<Record<string, unknown>>> {
    const { stdout } = await this.pulumi("stack", "output", "--json", "--stack", this.stack);
    return JSON.parse(stdout) as Readonly<Record<string, unknown>>;
  }

  /** The state as it is stored: secrets are encrypted in it. */
  async state(): Promise<string> {
    const { stdout } = await this.pulumi("stack", "export", "--stack", this.stack);
    return stdout;
  }

  /** Destroys what a failed test left, and removes the folder. */
  async dispose(): Promise<void> {
    if (this.#hasResources()) {
      await this.pulumi("cancel", "--yes", "--stack", this.stack);
      await this.pulumi("destroy", "--yes", "--skip-preview", "--stack", this.stack);
    }
    (await this.#host)?.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Whether there is anything to destroy, by the file that Pulumi keeps the state in. */
  #hasResources(): boolean {
    const backend = fileURLToPath(this.env["PULUMI_BACKEND_URL"] ?? "");
    const file = join(backend, ".pulumi", "stacks", "trustee-access", `${this.stack}.json`);
    return existsSync(file) && readFileSync(file, "utf8").includes('"urn"');
  }
}
