import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { generationFacts, type Generation } from "../../../core/trustee/generation.ts";
import { killProcess, restartProcess } from "../../../sandbox/api.ts";
import type { Call, Fault } from "../../support/fault-proxy.ts";
import { HttpMethod } from "../../../kube/client-library.ts";
import { configMapKey, editReferenceValues, patchKey, sharedData } from "./cluster.ts";
import { FaultyStack, isWrite } from "./faulty-stack.ts";
import { patch, remove, send } from "./objects.ts";
import { valuesOf } from "./second-writer.ts";

const API_SERVER = "kube-apiserver";
/** Kubernetes' own controllers. After an outage each retries the API server only after up to 30 seconds. */
const CONTROLLERS = ["kube-controller-manager", "kube-scheduler", "kwok"];
const POLICY = "trusteeconfig-resource-policy";
const VALUES = "trusteeconfig-rvps-reference-values";
const RECORD = "the stack's record";

/** The target of a request: the plural of its kind; for a ConfigMap, its name. */
function subject({ path }: Call): string {
  const [, kind = path, name = ""] = /\/namespaces\/[^/]+\/(\w+)\/([\w-]+)/.exec(path) ?? [];
  return kind === "configmaps" ? name : kind;
}

/** Names the target of a write. The name may depend on the writes of earlier kills. */
type KindOf = (call: Call, killedAt: readonly string[]) => string;

/**
 * In `up` the stack's record on the KbsConfig is written before its line in the policy, and its entries
 * after.
 */
function inUp(call: Call, killedAt: readonly string[]): string {
  const kind = subject(call);
  return kind === "kbsconfigs" && !killedAt.includes(POLICY) ? RECORD : kind;
}

/** In `destroy` the entries are removed first, and the record last. */
function inDestroy(call: Call, killedAt: readonly string[]): string {
  const kind = subject(call);
  return kind === "kbsconfigs" && killedAt.includes(POLICY) ? RECORD : kind;
}

/** True for a pod of the stack, false for a pod of the KBS. */
function isOfPod({ path }: Call): boolean {
  return path.includes("/namespaces/default/pods/");
}

/**
 * Kills the engine or the API server at each write of a stack. One file per generation, as these tests are
 * the slowest.
 */
export function killedInTheMiddle(trustee: Generation): void {
  describe(`a run of pulumi that is killed, on Trustee ${trustee}`, () => {
    killedCases(trustee);
  });
}

function killedCases(trustee: Generation): void {
  const { policyKey, referenceValuesKey } = generationFacts[trustee];
  let stack: FaultyStack;
  beforeAll(async () => {
    stack = await FaultyStack.start(`killed-${trustee.replace(".", "-")}`, trustee);
  }, 1_800_000);
  afterAll(async () => {
    await stack.dispose();
  });
  beforeEach(() => {
    stack.stranger.watch();
  });
  afterEach(async ({ task }) => {
    await stack.stranger.stop();
    stack.stranger.expectNothingRead(task.name);
  });

  /**
   * Runs a command repeatedly until it succeeds. Each run kills the engine at its first write of a new kind,
   * before the engine gets the response; then runs `pulumi cancel`, as Pulumi's message requests.
   * @returns the writes of the kills
   */
  async function killedAtEveryWrite(
    command: "up" | "destroy",
    kindOf: KindOf = subject,
  ): Promise<readonly string[]> {
    const killedAt: string[] = [];
    for (;;) {
      const survived = killedAt.length;
      // A command's first run is like a user's. The others share a program: it writes only through the engine.
      const program = survived === 0 ? [] : await stack.project.warmProgram(command);
      const run = stack.run(command, ...program);
      stack.proxy.fault = (call): Fault | undefined => {
        if (!isWrite(call)) return undefined;
        // Blocks what the plugins still send before they end, as if the machine had failed.
        if (killedAt.length > survived) return "cut";
        const kind = kindOf(call, killedAt);
        if (killedAt.includes(kind)) return undefined;
        killedAt.push(kind);
        return { after: async () => run.kill() };
      };
      const { exitCode, output } = await run.ended();
      if (killedAt.length === survived) {
        stack.proxy.heal();
        expect({ exitCode, printed: exitCode === 0 ? "" : output }).toEqual({ exitCode: 0, printed: "" });
        return killedAt;
      }
      // The provider retries a blocked write for about ten seconds: the proxy blocks until all processes have
      // ended. The processes of a command's first run end by themselves; those of the others are killed.
      let leftovers: readonly string[] = [];
      if (survived === 0) leftovers = await run.leftovers();
      else run.killStarted();
      stack.proxy.heal();
      // Comes first: the other checks would fail because of the lock.
      await stack.project.succeed("cancel", "--yes", "--stack", stack.project.stack);
      expect({ exitCode, leftovers }).toEqual({ exitCode: null, leftovers: [] });
    }
  }

  it("continues with the next up, without duplicates, if the engine is killed in up at each kind of write", async () => {
    const killedAt = await killedAtEveryWrite("up", inUp);
    const first = [RECORD, POLICY, "secrets", "kbsconfigs"];
    expect(killedAt.slice(0, 5).sort()).toEqual([...first, VALUES].sort());
    // The reference values are written concurrently with these.
    expect(killedAt.filter((kind) => kind !== VALUES).slice(0, 4)).toEqual(first);
    // The operator rolls out the new entry. On 0.18 there may also be a restart, if a pod is as old as the last
    // write.
    const restarts = trustee === "0.18" ? ["deployments"] : [];
    expect(killedAt.slice(5).filter((kind) => !restarts.includes(kind))).toEqual(["pods"]);
    await stack.expectUp();
    // Pulumi keeps interrupted operations in the state until a refresh clears them.
    await stack.project.succeed(
      ...["refresh", "--yes", "--clear-pending-creates", "--stack", stack.project.stack],
    );
    const { deployment } = JSON.parse(await stack.project.state()) as {
      readonly deployment: { readonly pending_operations?: unknown };
    };
    expect(deployment.pending_operations).toBe(undefined);
    await stack.project.expectNoChanges();
  });

  // Another change for each retry of the test.
  let change = 0;
  it("is completed by the next up, if the engine is killed in a change of initdata, before and after the new pod", async () => {
    const former = ((await stack.project.outputs())["initData"] as Readonly<Record<string, string>>)["pod1"];
    change += 1;
    const changed = { name: "pod1", logs: false, claims: { change: String(change) } };
    stack.configure({ pods: [changed, { name: "pod2" }, { name: "pod3" }] });
    let isReplaced = false;
    const killedAt = await killedAtEveryWrite("up", (call, before) => {
      if (isOfPod(call)) {
        isReplaced ||= call.method === "PATCH";
        return `${call.method} pod`;
      }
      return isReplaced ? `retirement: ${subject(call)}` : inUp(call, before);
    });
    const created = killedAt.indexOf("PATCH pod");
    expect(killedAt.slice(0, 3).sort()).toEqual([RECORD, POLICY, VALUES].sort());
    expect(killedAt[created - 1]).toBe("DELETE pod");
    // On 0.18 the run after the first of the two writes restarts Trustee first. It does not know whether Trustee
    // has read that write.
    const retired = [`retirement: ${VALUES}`, `retirement: ${POLICY}`];
    expect(killedAt.slice(created + 1).filter((kind) => retired.includes(kind))).toEqual(retired);
    await stack.expectUp();
    expect(former).toMatch(/^[0-9a-f]{64}$/);
    expect(await configMapKey(stack.sandbox, POLICY, policyKey)).not.toContain(former);
    const values = await configMapKey(stack.sandbox, VALUES, referenceValuesKey);
    expect(valuesOf(trustee, values, "snp_pcr08")).not.toContain(former);
  });

  it("fixes the rest of the drift with the next up, if the engine is killed at each kind of write", async () => {
    const { sandbox } = stack;
    // The drift opens every secret, so the stranger stops.
    await stack.stranger.stop();
    const policy = await configMapKey(sandbox, POLICY, policyKey);
    const list = (await sharedData(sandbox)).kbsConfig["kbsSecretResources"] as readonly string[];
    const opened = policy.replace("\ndefault allow = false\n", "\ndefault allow = true\n");
    expect(opened).not.toBe(policy);
    await patchKey(sandbox, POLICY, policyKey, opened);
    await editReferenceValues(sandbox, trustee, "snp_pcr08", (entry) => ({
      ...entry,
      value: entry.value.slice(0, 2),
    }));
    const spec = { kbsSecretResources: list.filter((name) => name !== "p2-secret") };
    await patch(sandbox, "KbsConfig", "trusteeconfig-kbs-config", { spec });
    await remove(sandbox, "Secret", "p2-secret");
    await remove(sandbox, "Pod", "pod3", "default");
    const killedAt = await killedAtEveryWrite("up");
    expect(killedAt).toEqual(expect.arrayContaining([POLICY, VALUES, "kbsconfigs", "secrets", "pods"]));
    await stack.expectUp();
    expect(await configMapKey(sandbox, POLICY, policyKey)).toBe(policy);
  });

  it("restores everything with the next destroy, if the engine is killed in destroy at each kind of write", async () => {
    const killedAt = await killedAtEveryWrite("destroy", inDestroy);
    expect(killedAt[0]).toBe("pods");
    expect(killedAt).toEqual(expect.arrayContaining([POLICY, VALUES, "kbsconfigs", "secrets", RECORD]));
    await stack.expectRestored();
  });

  /**
   * Kills the API server right after the first write to a ConfigMap, and restarts it after the command has
   * failed.
   */
  async function withoutServer(command: "up" | "destroy"): Promise<string> {
    let killed = false;
    stack.proxy.fault = (call): Fault | undefined => {
      if (killed || !isWrite(call) || !call.path.includes("/configmaps/")) return undefined;
      killed = true;
      return { after: async () => killProcess(stack.sandbox.name, API_SERVER) };
    };
    const { exitCode, output } = await stack.runToEnd(command);
    stack.proxy.heal();
    expect({ killed, failed: exitCode !== 0 }).toEqual({ killed: true, failed: true });
    await restartProcess(stack.sandbox.name, API_SERVER);
    const isReady = async (): Promise<boolean> =>
      (await send(stack.sandbox, HttpMethod.GET, "/readyz")).status === 200;
    await expect.poll(async () => isReady().catch(() => false), { timeout: 60_000 }).toBe(true);
    for (const controller of CONTROLLERS) await restartProcess(stack.sandbox.name, controller);
    return output;
  }

  it("reports what to check, and continues with the next up, without duplicates, if the API server is killed in up", async () => {
    const output = await withoutServer("up");
    expect(output).toMatch(/cannot (get|patch) (configmaps|kbsconfigs\S+) "trusteeconfig-/);
    expect(output).toContain("Check the kubeconfig, the context and the network, then run again.");
    await stack.project.up();
    await stack.expectUp();
  });

  it("restores the original content with the next destroy, if the API server is killed in destroy", async () => {
    const output = await withoutServer("destroy");
    expect(output).toContain("Check the kubeconfig, the context and the network, then run again.");
    await stack.project.destroy();
    await stack.expectRestored();
  });
}
