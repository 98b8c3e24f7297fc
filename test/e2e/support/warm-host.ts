import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import { createInterface } from "node:readline";

interface Ports {
  readonly program: number;
  readonly provider: number;
}

/**
 * A process that serves the Pulumi program and the provider `trustee` to all pulumi commands, one after the other. The
 * engine, its plugins and the protocols are the same as in a user's run. But Node loads the code once, which would take more
 * than half of each command's processor time. Pulumi's Automation API serves programs in this way, and its debuggers attach
 * to providers in this way.
 */
export class WarmHost {
  readonly #process: ChildProcess;
  readonly #ports: Ports;

  private constructor(started: ChildProcess, ports: Ports) {
    this.#process = started;
    this.#ports = ports;
  }

  /** @throws Error if the process ends before it has printed its ports */
  static async start(folder: string, env: Readonly<Record<string, string>>): Promise<WarmHost> {
    const started = spawn(process.execPath, [resolve("test/e2e/support/warm-host-main.ts")], {
      cwd: folder,
      env: { ...process.env, ...env },
      stdio: ["pipe", "pipe", "inherit"],
    });
    const ended = once(started, "exit").then(() => {
      throw new Error("the process that serves the program and the provider did not start");
    });
    ended.catch(() => undefined);
    const [line] = (await Promise.race([once(createInterface(started.stdout), "line"), ended])) as [string];
    return new WarmHost(started, JSON.parse(line) as Ports);
  }

  get env(): Readonly<Record<string, string>> {
    return {
      PULUMI_DEBUG_PROVIDERS: `trustee:${this.#ports.provider}`,
      // The engine then stores the state once, at its end. Only a killed engine needs the state of each step.
      PULUMI_SKIP_CHECKPOINTS: "true",
    };
  }

  /** Additional arguments for a command. `destroy` runs no program. */
  argsOf([command]: readonly string[]): readonly string[] {
    return command === "destroy" ? [] : [`--client=127.0.0.1:${this.#ports.program}`];
  }

  stop(): void {
    this.#process.stdin?.end();
  }
}

/** Whether a command runs the program or the provider. */
export function runsCode([command]: readonly string[]): boolean {
  return ["preview", "up", "refresh", "destroy"].includes(command ?? "");
}
