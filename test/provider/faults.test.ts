import { describe, expect, test } from "vitest";
import { ownerMark } from "../../core/policy/owner.ts";
import { joinPolicy } from "../../core/policy/share.ts";
import type { PropertyMap } from "../../provider/protocol/property-value.ts";
import { faultyBench } from "./bench.ts";
import { Engine } from "./engine.ts";
import type { Fault } from "../support/fault-proxy.ts";
import { stackGrants } from "../fixtures/grants.ts";

const STOCK = "package policy\n";
const A = "aa".repeat(32);
const grants = stackGrants("org/p/dev", { s: { "*": { "azure-vtpm": { [A]: "pod1" } } } });

const { cluster, engine, proxy } = await faultyBench();
cluster.secret("p2-secret");
let count = 0;

/** One of each kind of resource that writes, each with its own object. */
interface Subject {
  readonly type: string;
  readonly inputs: PropertyMap;
  readonly read: () => Promise<unknown>;
  /** Another client writes other fields, or other elements of the list. */
  readonly disturb: () => Promise<unknown>;
  /** Another client writes what we are about to write. */
  readonly collide: () => Promise<unknown>;
  readonly before: unknown;
  readonly after: (owner: string) => unknown;
  /** {@link after} and {@link before} with the other client's writes. */
  readonly disturbed: (content: unknown) => unknown;
  readonly ref: string;
}

const subjects: Readonly<Record<string, () => Subject>> = {
  KbsSecretEntry: () => {
    const name = `k${(count += 1)}`;
    cluster.kbsConfig(name, ["a"]);
    const read = async () => (await cluster.entries(name)) as string[];
    return {
      type: "KbsSecretEntry",
      inputs: { namespace: cluster.namespace, kbsConfig: name, secret: "p2-secret", secretIsCreated: false },
      read,
      disturb: async () => cluster.setEntries(name, [`x${(await read()).length}`, ...(await read())]),
      collide: () => cluster.setEntries(name, [`x${(count += 1)}`]),
      before: ["a"],
      after: () => ["a", "p2-secret"],
      disturbed: (content) => expect.arrayContaining([...(content as string[]), "x1"]) as unknown,
      ref: `kbsconfigs.confidentialcontainers.org "${name}"`,
    };
  },
  ResourcePolicy: () => {
    const name = `c${(count += 1)}`;
    cluster.configMap(name, { "policy.rego": STOCK });
    return {
      type: "ResourcePolicy",
      inputs: {
        namespace: cluster.namespace,
        configMap: name,
        candidateKeys: ["policy.rego"],
        policy: grants,
      },
      read: () => cluster.data(name),
      disturb: () => cluster.edit(name, { [`x${(count += 1)}`]: "theirs" }),
      collide: () => cluster.edit(name, { "policy.rego": `package policy\n# ${(count += 1)}\n` }),
      before: { "policy.rego": STOCK },
      after: (owner) => ({ "policy.rego": joinPolicy(STOCK, { ...grants, owner: ownerMark(owner) }) }),
      disturbed: (content) => expect.objectContaining(content as object) as unknown,
      ref: `configmaps "${name}"`,
    };
  },
  ReferenceValues: () => {
    const name = `r${(count += 1)}`;
    const values = (...value: string[]) => ({
      "reference-values.json": JSON.stringify([
        { name: "snp_pcr08", expiration: "2036-01-01T00:00:00Z", value },
      ]),
    });
    cluster.configMap(name, values("b"));
    return {
      type: "ReferenceValues",
      inputs: {
        namespace: cluster.namespace,
        configMap: name,
        candidateKeys: ["reference-values.json"],
        digests: { snp_pcr08: [A] },
        validityDays: 365,
      },
      read: () => cluster.data(name),
      disturb: () => cluster.edit(name, { [`x${(count += 1)}`]: "theirs" }),
      collide: () => cluster.edit(name, values(`x${(count += 1)}`)),
      before: values("b"),
      after: () => values("b", A),
      disturbed: (content) => expect.objectContaining(content as object) as unknown,
      ref: `configmaps "${name}"`,
    };
  },
};

describe.each(Object.entries(subjects))("%s", (_, make) => {
  const slow = { status: 500, message: "etcd is slow" };
  const busy = { status: 429, message: "too many" };
  const failures: readonly (readonly [string, readonly Fault[]])[] = [
    ["500s", [slow, { status: 503, message: "try later" }]],
    ["429s", [busy, busy]],
    ["cut connections", ["cut", "cut"]],
    ["a lost answer", ["lose-answer"]],
    ["a lost answer, then a cut connection", ["lose-answer", "cut"]],
  ];
  test.each(failures)("%s are retried, and the original content is still known", async (_name, faults) => {
    const subject = make();
    const resource = engine.resource(subject.type);
    proxy.failFirst("PATCH", ...faults);
    await resource.up(subject.inputs);
    expect(await subject.read()).toStrictEqual(subject.after(resource.urn));
    expect((await resource.up(subject.inputs)).op).toBe("same");
    proxy.failFirst("PATCH", ...faults);
    await resource.destroy();
    expect(await subject.read()).toStrictEqual(subject.before);
  });

  test("failed reads are retried too", async () => {
    const subject = make();
    const resource = engine.resource(subject.type);
    proxy.failFirst("GET", slow, "cut");
    await resource.up(subject.inputs);
    expect(await subject.read()).toStrictEqual(subject.after(resource.urn));
  });

  test("nothing is lost if another client writes between our read and our write, nine times", async () => {
    const subject = make();
    const resource = engine.resource(subject.type);
    const disturb: Fault = { before: subject.disturb };
    proxy.failFirst("PATCH", ...Array.from({ length: 9 }, () => disturb));
    await resource.up(subject.inputs);
    expect(await subject.read()).toStrictEqual(subject.disturbed(subject.after(resource.urn)));
    proxy.failFirst("PATCH", ...Array.from({ length: 9 }, () => disturb));
    await resource.destroy();
    expect(await subject.read()).toStrictEqual(subject.disturbed(subject.before));
  });

  test("a client that always writes the same field causes a clear error, and is not overwritten", async () => {
    const subject = make();
    const resource = engine.resource(subject.type);
    let theirs: unknown;
    const collide = async (): Promise<void> => {
      await subject.collide();
      theirs = await subject.read();
    };
    proxy.fault = ({ method }) => (method === "PATCH" ? { before: collide } : undefined);
    await expect(resource.up(subject.inputs)).rejects.toThrow(
      /^2 UNKNOWN: TA815 Another client keeps changing (KbsConfig|ConfigMap) "\w+" in namespace "[\w-]+": 24 tries to write it met a conflict\. None of its changes was overwritten\. Find the client \(kubectl get --show-managed-fields\), then run again\.$/,
    );
    expect(await subject.read()).toStrictEqual(theirs);
  });

  test("a forbidden write fails at once and names verb and resource", async () => {
    const subject = make();
    const resource = engine.resource(subject.type);
    proxy.fault = ({ method }) =>
      method === "PATCH" ? { status: 403, message: "forbidden: no" } : undefined;
    await expect(resource.up(subject.inputs)).rejects.toThrow(
      `2 UNKNOWN: TA803 cannot patch ${subject.ref} in namespace "${cluster.namespace}": forbidden: no. Grant the verb "patch" on ${subject.ref.replace(/ .*/, "")} to this account.`,
    );
    proxy.fault = () => ({ status: 401, message: "Unauthorized" });
    await expect(resource.up(subject.inputs)).rejects.toThrow(
      /^2 UNKNOWN: TA802 cannot get .*: Unauthorized\. Renew the credentials of this kubeconfig context\.$/,
    );
    expect(await subject.read()).toStrictEqual(subject.before);
  });

  test("a cancel ends at once while the API server does not answer", async () => {
    const subject = make();
    const cancelled = await Engine.start(cluster, { kubeconfig: proxy.kubeconfig });
    proxy.fault = () => "hang";
    const calls = proxy.calls.length;
    const ended = expect(cancelled.resource(subject.type).up(subject.inputs)).rejects.toThrow("1 CANCELLED");
    await expect.poll(() => proxy.calls.length).toBeGreaterThan(calls);
    const start = performance.now();
    await cancelled.cancel();
    await ended;
    expect(performance.now() - start).toBeLessThan(500);
    await cancelled.stop();
  });

  test("a preview writes nothing", async () => {
    const subject = make();
    const since = proxy.calls.length;
    await engine.resource(subject.type).preview(subject.inputs);
    expect(new Set(proxy.calls.slice(since).map(({ method }) => method))).toStrictEqual(new Set(["GET"]));
  });
});

test("nothing is lost on either side if another client writes in a tight loop", async () => {
  const all = Object.values(subjects).map((make) => make());
  const stop = new AbortController();
  let writes = 0;
  const writer = (async () => {
    while (!stop.signal.aborted) {
      await Promise.all(
        all.map(async ({ type, inputs }) => {
          const given = type === "KbsSecretEntry" ? inputs["kbsConfig"] : inputs["configMap"];
          const name = typeof given === "string" ? given : "";
          const annotations = { theirs: String((writes += 1)) };
          const kind = type === "KbsSecretEntry" ? "KbsConfig" : "ConfigMap";
          await cluster.patch(kind, name, { metadata: { annotations } });
        }),
      );
    }
  })();
  try {
    for (let round = 0; round < 5; round += 1) {
      const resources = all.map(({ type }) => engine.resource(type, `round-${round}`));
      await Promise.all(resources.map((resource, index) => resource.up(all[index]?.inputs ?? {})));
      expect(await Promise.all(all.map(({ read }) => read()))).toStrictEqual(
        all.map(({ after }, index) => after(resources[index]?.urn ?? "")),
      );
      await Promise.all(resources.map((resource) => resource.destroy()));
      expect(await Promise.all(all.map(({ read }) => read()))).toStrictEqual(all.map(({ before }) => before));
    }
  } finally {
    stop.abort();
    await writer;
  }
  expect(writes).toBeGreaterThan(30);
});
