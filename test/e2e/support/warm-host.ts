import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import { createInterface, type Interface } from "node:readline";
import type { Place } from "./warm-host-main.ts";

interface Ports {
  readonly program: number;
  readonly provider: number;
}

/** The hosts that no stack uses. A worker runs its files one after the other, so few are started. */
const idle: WarmHost[] = [];

/**
 * A process that serves the Pulumi program and the provider `trustee` to all pulumi commands, one after the other. The
 * engine, its plugins and the protocols are the same as in a user's run. But Node loads the code once, which would take more
 * than half of each command's processor time. Pulumi's Automation API serves programs in this way, and its debuggers attach
 * to providers in this way.
 */
export class WarmHost {
  readonly #process: ChildProcess;
  readonly #answers: Interface;
  #ports: Ports = { program: 0, provider: 0 };

  private constructor() {
    const program = resolve("test/e2e/support/warm-host-main.ts");
    const started = spawn(process.execPath, [program], { stdio: ["pipe", "pipe", "inherit"] });
    this.#process = started;
    this.#answers = createInterface(started.stdout);
  }

  /**
   * A host in a stack's folder and environment.
   * @throws Error if its process ends
   */
  static async take(folder: string, env: Readonly<Record<string, string>>): Promise<WarmHost> {
    const place = { folder, env: { ...process.env, ...env } };
    const used = idle.pop();
    // It ends if a run in it has not ended, since its engine was killed.
    if (
      used !== undefined &&
      (await used.#move(place).then(
        () => true,
        () => false,
      ))
    )
      return used;
    const host = new WarmHost();
    await host.#move(place);
    return host;
  }

  async #move(place: Place): Promise<void> {
    const ended = once(this.#process, "exit").then(() => {
      throw new Error("the process that serves the program and the provider has ended");
    });
    ended.catch(() => undefined);
    this.#process.stdin?.write(`${JSON.stringify(place)}\n`);
    const [line] = (await Promise.race([once(this.#answers, "line"), ended])) as [string];
    this.#ports = JSON.parse(line) as Ports;
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

  /** Returns the host for the next stack. */
  release(): void {
    idle.push(this);
  }
}

/** Whether a command runs the program or the provider. */
export function runsCode([command]: readonly string[]): boolean {
  return ["preview", "up", "refresh", "destroy"].includes(command ?? "");
}
