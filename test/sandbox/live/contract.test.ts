import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, expect, test } from "vitest";
import { type Sandbox, startSandbox } from "../../../sandbox/api.ts";
import { TestCluster } from "../../provider/cluster.ts";
import { scenarios, timed } from "../../support/kubernetes/scenarios.ts";
import { comparable, Stage } from "../../support/kubernetes/stage.ts";
import { create } from "../../e2e/support/objects.ts";
import { BUILD_TIMEOUT, ownHome } from "./support.ts";

// The provider's tests use an in-memory API server. It must behave like a real one.
let sandbox: Sandbox;
let memory: TestCluster;
let count = 0;

beforeAll(async () => {
  const removeHome = await ownHome();
  sandbox = await startSandbox({ name: "contract" });
  memory = await TestCluster.open();
  return async () => {
    memory.stop();
    await removeHome();
  };
}, BUILD_TIMEOUT);

test.each(Object.entries(scenarios))(
  "the in-memory API server answers like the real one: %s",
  async (title, play) => {
    const namespace = `contract-${(count += 1)}`;
    await create(sandbox, { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } });
    memory.apply({ kind: "Namespace", metadata: { name: namespace } });
    const pass = (milliseconds: number): Promise<void> => {
      memory.clock.advance(milliseconds);
      return Promise.resolve();
    };
    const real = new Stage(sandbox.kubeconfig, namespace, sleep);
    const [expected, answers] = await Promise.all([
      play(real),
      play(new Stage(memory.kubeconfig, namespace, pass)),
    ]);
    const withTimes = timed.includes(title);
    expect(comparable(answers, withTimes)).toStrictEqual(comparable(expected, withTimes));
  },
);
