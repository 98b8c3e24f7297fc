import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { killProcess, restartProcess } from "../../sandbox/api.ts";
import type { Call, Fault } from "../support/fault-proxy.ts";
import { FaultyStack, isWrite } from "./support/faulty-stack.ts";

const API_SERVER = "kube-apiserver";

/** What of the cluster a request is about: the plural of its kind; a ConfigMap with its name. */
function subject({ path }: Call): string {
  const [, kind = path, name = ""] = /\/namespaces\/[^/]+\/(\w+)\/([\w-]+)/.exec(path) ?? [];
  return kind === "configmaps" ? name : kind;
}

describe("the engine is killed right after a write, before it hears of it", () => {
  let stack: FaultyStack;
  beforeAll(async () => {
    stack = await FaultyStack.start("killed-engine", "0.18");
  }, 1_800_000);
  afterAll(async () => {
    await stack.dispose();
  });

  /**
   * Runs a command again and again, killing it at its first write to something that it was not killed at before, until it
   * gets through; after each kill `pulumi cancel`, as Pulumi asks for.
   * @returns what it was killed at
   */
  async function killedAtEveryWrite(command: "up" | "destroy"): Promise<readonly string[]> {
    const killedAt: string[] = [];
    for (;;) {
      const run = stack.run(command);
      const survived = killedAt.length;
      stack.proxy.fault = (call): Fault | undefined => {
        const isNext = isWrite(call) && !killedAt.includes(subject(call));
        if (!isNext || killedAt.length > survived) return undefined;
        killedAt.push(subject(call));
        return { after: async () => run.kill() };
      };
      const { exitCode, output } = await run.ended();
      stack.proxy.heal();
      if (killedAt.length === survived) {
        expect({ exitCode, said: exitCode === 0 ? "" : output }).toEqual({ exitCode: 0, said: "" });
        return killedAt;
      }
      expect(exitCode).toBe(null);
      expect(await run.leftovers()).toEqual([]);
      await stack.project.succeed("cancel", "--yes", "--stack", stack.project.stack);
    }
  }

  it("in up, at each thing that it writes: the next up goes on from there, nothing is doubled", async () => {
    const killedAt = await killedAtEveryWrite("up");
    expect(killedAt.slice(0, 2)).toEqual(["secrets", "kbsconfigs"]);
    expect(killedAt.slice(-2)).toEqual(["deployments", "pods"]);
    expect(killedAt.length).toBeGreaterThan(4);
    await stack.expectUp();
    // Pulumi keeps in mind what it was interrupted in, until it is told to forget it.
    await stack.project.succeed(
      ...["refresh", "--yes", "--clear-pending-creates", "--stack", stack.project.stack],
    );
    const { deployment } = JSON.parse(await stack.project.state()) as {
      readonly deployment: { readonly pending_operations?: unknown };
    };
    expect(deployment.pending_operations).toBe(undefined);
    await stack.project.expectNoChanges();
  });

  it("in destroy, at each thing that it writes: the next destroy goes on, and the originals come back", async () => {
    const killedAt = await killedAtEveryWrite("destroy");
    expect(killedAt[0]).toBe("pods");
    expect(killedAt).toEqual(expect.arrayContaining(["kbsconfigs", "secrets"]));
    expect(killedAt.length).toBeGreaterThan(3);
    await stack.expectRestored();
  });
});

describe("the API server is killed", () => {
  let stack: FaultyStack;
  beforeAll(async () => {
    stack = await FaultyStack.start("killed-server", "0.21");
  }, 1_800_000);
  afterAll(async () => {
    await stack.dispose();
  });

  /** Kills it right after the first write to a ConfigMap, and starts it again when the command has given up. */
  async function killedInTheMiddle(command: "up" | "destroy"): Promise<string> {
    let killed = false;
    stack.proxy.fault = (call): Fault | undefined => {
      if (killed || !isWrite(call) || !call.path.includes("/configmaps/")) return undefined;
      killed = true;
      return { after: async () => killProcess(stack.sandbox.name, API_SERVER) };
    };
    const { exitCode, output } = await stack.run(command).ended();
    stack.proxy.heal();
    expect({ killed, failed: exitCode !== 0 }).toEqual({ killed: true, failed: true });
    await restartProcess(stack.sandbox.name, API_SERVER);
    await expect
      .poll(async () => (await stack.sandbox.kubectl(["get", "--raw", "/readyz"])).stdout, {
        timeout: 60_000,
      })
      .toBe("ok");
    return output;
  }

  it("in the middle of up: the error says what to look at; the next up goes on, nothing is doubled", async () => {
    const output = await killedInTheMiddle("up");
    expect(output).toMatch(/cannot (get|patch) configmaps "trusteeconfig-/);
    expect(output).toContain("Check the kubeconfig, the context and the network, then run again.");
    await stack.project.up("--skip-preview");
    await stack.expectUp();
  });

  it("in the middle of destroy: the next destroy goes on, and the originals come back", async () => {
    const output = await killedInTheMiddle("destroy");
    expect(output).toContain("Check the kubeconfig, the context and the network, then run again.");
    await stack.project.destroy();
    await stack.expectRestored();
  });
});
