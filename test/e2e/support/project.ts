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
import { serveVault, vaultSettings } from "./vault.ts";
import { runsCode, WarmHost } from "./warm-host.ts";

/** A stack's settings, without their namespace. */
export type Configuration = Readonly<Record<string, unknown>>;

const dev = parse(readFileSync("Pulumi.dev.yaml", "utf8")) as {
  readonly config: Configuration;
  readonly encryptionsalt: string;
};

/** The settings of Pulumi.dev.yaml. A test may change them. */
export function devConfiguration(): Configuration {
  const { config } = structuredClone(dev);
  return Object.fromEntries(
    Object.entries(config).map(([name, value]) => [name.replace("trustee-access:", ""), value]),
  );
}

/** An encrypted value for any secret. It is that of Pulumi.dev.yaml, and every project here has the same salt. */
export function encryptedValue(): unknown {
  const values = devConfiguration()["secretValues"] as Record<string, Record<string, unknown>>;
  return values["p2-secret"]?.["secret"];
}

/**
 * The project as a user has it, in a separate folder. It has the repository's program, and the test's settings for the
 * stack.
 */
export class Project {
  readonly folder = mkdtempSync(join(tmpdir(), "trustee-access-e2e-"));
  readonly stack: string;
  readonly #sandbox: Sandbox;
  readonly #warm: boolean;
  #host: Promise<WarmHost> | undefined;

  /**
   * @param options.cold Each command starts new processes for the program and the provider, like a user's command. For tests
   * of processes, messages and the environment. All others use a {@link WarmHost}, and a key from {@link serveVault}.
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

  /** The environment of pulumi. */
  get env(): Readonly<Record<string, string>> {
    return this.#sandbox.env;
  }

  /** Writes the stack's settings. Values of Pulumi.dev.yaml that are encrypted stay as they are. */
  configure(configuration: Configuration): void {
    const { encryptionsalt } = dev;
    const config = Object.fromEntries(
      Object.entries(configuration).map(([name, value]) => [`trustee-access:${name}`, value]),
    );
    const settings = { ...(this.#warm ? vaultSettings : { encryptionsalt }), config };
    writeFileSync(join(this.folder, `Pulumi.${this.stack}.yaml`), stringify(settings));
  }

  async pulumi(...args: readonly string[]): Promise<CommandResult> {
    if (this.#warm) await serveVault(this.env["PULUMI_CONFIG_PASSPHRASE"] ?? "", dev.encryptionsalt);
    const warm = this.#warm && runsCode(args) ? await this.#warmHost() : undefined;
    const env = warm === undefined ? {} : { env: warm.env };
    return this.#sandbox.pulumi([...args, ...(warm?.argsOf(args) ?? [])], { cwd: this.folder, ...env });
  }

  /** Additional arguments for a command whose program the {@link WarmHost} serves. Its provider is a new process. */
  async warmProgram(command: string): Promise<readonly string[]> {
    return (await this.#warmHost()).argsOf([command]);
  }

  async #warmHost(): Promise<WarmHost> {
    return (this.#host ??= WarmHost.take(this.folder, this.env));
  }

  /** @returns the output. @throws Error with the output if pulumi fails */
  async succeed(...args: readonly string[]): Promise<string> {
    const { exitCode, stdout, stderr } = await this.pulumi(...args);
    if (exitCode !== 0)
      throw new Error(`pulumi ${args.join(" ")} failed (${exitCode}):\n${stdout}\n${stderr}`);
    return stdout + stderr;
  }

  async init(configuration: Configuration): Promise<void> {
    this.configure(configuration);
    await this.succeed(...this.initArguments);
  }

  /** The arguments that create the stack. */
  get initArguments(): readonly string[] {
    const provider = this.#warm ? ["--secrets-provider", vaultSettings.secretsprovider] : [];
    return ["stack", "init", this.stack, ...provider];
  }

  /** Runs `up` without its preview, which takes as long as the update. */
  async up(...args: readonly string[]): Promise<string> {
    return this.upWithPreview("--skip-preview", ...args);
  }

  /** Runs `up` as a user does. The output includes the preview. */
  async upWithPreview(...args: readonly string[]): Promise<string> {
    return this.succeed("up", "--yes", "--stack", this.stack, ...args);
  }

  async preview(...args: readonly string[]): Promise<CommandResult> {
    return this.pulumi("preview", "--stack", this.stack, ...args);
  }

  /**
   * A preview that shows the stack's outputs. Pulumi 3.259 omits them from a preview if the stack's row has shown another
   * event last.
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

  /** Expects a preview without changes. The failure shows its output. */
  async expectNoChanges(): Promise<void> {
    const { exitCode, stdout, stderr } = await this.preview("--expect-no-changes");
    expect({ exitCode, said: exitCode === 0 ? "" : stdout + stderr }).toEqual({ exitCode: 0, said: "" });
  }

  /** Runs `destroy` without its preview. */
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

  /** The stored state, with encrypted secrets. */
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
    (await this.#host)?.release();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Whether Pulumi's state file has resources. */
  #hasResources(): boolean {
    const backend = fileURLToPath(this.env["PULUMI_BACKEND_URL"] ?? "");
    const file = join(backend, ".pulumi", "stacks", "trustee-access", `${this.stack}.json`);
    return existsSync(file) && readFileSync(file, "utf8").includes('"urn"');
  }
}
