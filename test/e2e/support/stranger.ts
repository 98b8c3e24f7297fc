import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { encodeAnnotation } from "../../../core/initdata/annotation.ts";
import { renderInitdata } from "../../../core/initdata/initdata.ts";
import type { Sandbox } from "../../../sandbox/api.ts";
import { pcr8 } from "../../sandbox/live/support.ts";
import { api, execIn } from "./api.ts";
import { editReferenceValues, NAMESPACE, restartKbs, trustedCertificate } from "./cluster.ts";
import { create, field, foreignPod, ready } from "./objects.ts";

const NAMESPACE_OF_STRANGERS = "strangers";
const POD = "stranger";

/** Reads per second, over all paths. Each is one attestation and two policy evaluations. */
const RATE = 4;
/** Reads per command, in addition to the one of the control path. */
const READS = 16;

/** How often a path was requested, and how often the KBS returned it. */
export interface Reads {
  readonly tries: number;
  readonly succeeded: number;
}

/**
 * A pod that attests and has no grants. It requests restricted paths repeatedly while something runs, fails
 * or is killed, and must never get one. It also requests an unrestricted path, which proves that it attests.
 */
export class Stranger {
  readonly #sandbox: Sandbox;
  readonly #command: readonly string[];
  readonly #reads = new Map<string, { tries: number; succeeded: number }>();
  readonly #control: string;
  #watching = false;
  #loop: Promise<void> = Promise.resolve();

  private constructor(sandbox: Sandbox, command: readonly string[], control: string) {
    this.#sandbox = sandbox;
    this.#command = command;
    this.#control = control;
  }

  /**
   * Deploys the pod, and adds its digest to the reference values. Call it before you record the original
   * content.
   * @param paths `secret/key` that the stranger must not read
   * @param control `secret/key` that every attested pod may read
   */
  static async start(
    sandbox: Sandbox,
    paths: readonly string[],
    control = "kbsres1/key1",
  ): Promise<Stranger> {
    const rounds = Math.ceil(READS / paths.length);
    const url = (user: string, path: string): readonly string[] => [
      ...["-o", "/dev/null"],
      `http://${user}@127.0.0.1:8006/cdh/resource/default/${path}`,
    ];
    const command = [
      ...["curl", "-s", "--rate", `${RATE}/s`],
      // Not to standard output, which curl buffers.
      ...["-w", "%{stderr}%{http_code}\\t%{url_effective}\\n"],
      // The user is only a counter: it varies slowest, as it comes before the paths.
      ...url(`n[1-${rounds}]`, `{${paths.join(",")}}`),
      ...url("control", control),
    ];
    const [route] = await api(sandbox).list("Route", NAMESPACE);
    const initdata = renderInitdata({
      algorithm: "sha256",
      claims: { pod_name: POD },
      url: `https://${field(route, "spec", "host")}`,
      certificate: await trustedCertificate(sandbox),
      agentPolicy: { logs: true, allowedCommands: [command.join(" ")] },
    });
    await editReferenceValues(sandbox, sandbox.trustee, "snp_pcr08", (entry) => ({
      ...entry,
      value: [...entry.value, pcr8(initdata)],
    }));
    await restartKbs(sandbox);
    const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: NAMESPACE_OF_STRANGERS } };
    const pod = foreignPod(POD, encodeAnnotation(initdata), NAMESPACE_OF_STRANGERS);
    expect(await create(sandbox, namespace, pod)).toBe("");
    await ready(sandbox, [POD], NAMESPACE_OF_STRANGERS);
    return new Stranger(sandbox, command, control);
  }

  /** Watches while `work` runs. */
  async during<Result>(work: () => Promise<Result>): Promise<Result> {
    this.watch();
    try {
      return await work();
    } finally {
      await this.stop();
    }
  }

  /** Starts the requests. */
  watch(): void {
    if (this.#watching) return;
    this.#watching = true;
    this.#loop = this.#ask();
  }

  /** Stops after the current requests. */
  async stop(): Promise<void> {
    this.#watching = false;
    await this.#loop;
  }

  /**
   * No read of a restricted path succeeded, of at least one try; a read of the control path did.
   * @param scenario for the logged summary
   */
  expectNothingRead(scenario: string): void {
    const control = this.#readsOf(this.#control);
    const restricted = [...this.#reads].filter(([path]) => path !== this.#control);
    const sum = restricted.reduce<Reads>(
      (all, [, { tries, succeeded }]) => ({
        tries: all.tries + tries,
        succeeded: all.succeeded + succeeded,
      }),
      { tries: 0, succeeded: 0 },
    );
    console.log(
      `stranger, Trustee ${this.#sandbox.trustee}${this.#sandbox.operator === "red-hat" ? " by Red Hat" : ""}, ${scenario}: ${sum.tries} reads tried, ${sum.succeeded} succeeded`,
    );
    const read = restricted.filter(([, { succeeded }]) => succeeded > 0).map(([path]) => path);
    expect({ read, tried: sum.tries > 0, attests: control.succeeded > 0 }).toEqual({
      read: [],
      tried: true,
      attests: true,
    });
    this.#reads.clear();
  }

  #readsOf(path: string): { tries: number; succeeded: number } {
    const reads = this.#reads.get(path) ?? { tries: 0, succeeded: 0 };
    this.#reads.set(path, reads);
    return reads;
  }

  /** Runs one command in the pod after the other. Each ends by itself, even if the API server goes down. */
  async #ask(): Promise<void> {
    while (this.#watching) {
      const { stderr } = await execIn(this.#sandbox, POD, NAMESPACE_OF_STRANGERS, this.#command).catch(
        () => ({
          stderr: "",
        }),
      );
      for (const [, code, path = ""] of stderr.matchAll(/^(\d{3})\t\S+\/default\/(\S+)$/gm)) {
        const reads = this.#readsOf(path);
        reads.tries += 1;
        if (code === "200") reads.succeeded += 1;
      }
      if (stderr === "") await sleep(200);
    }
  }
}
