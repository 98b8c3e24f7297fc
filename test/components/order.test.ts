import type resourcepb from "@pulumi/pulumi/proto/resource_pb.js";
import { MockMonitor } from "@pulumi/pulumi/runtime/mocks.js";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { LIVE, mockPulumi } from "./live-trustee.ts";

/** The registrations that the mocks answer. */
interface Monitor {
  registerResource: (
    this: Monitor,
    request: resourcepb.RegisterResourceRequest,
    callback: (error: unknown, response?: resourcepb.RegisterResourceResponse) => void,
  ) => Promise<void>;
}

interface Node {
  readonly name: string;
  readonly parent: string;
  readonly dependencies: readonly string[];
  /** Input -> the resources that its value comes from. */
  readonly sources: ReadonlyMap<string, readonly string[]>;
}

/** URN -> its registration. */
const registered = new Map<string, Node>();

/** Everything that the engine creates before a resource, and deletes after it. */
function before(urn: string, seen = new Set<string>()): ReadonlySet<string> {
  const node = registered.get(urn);
  for (const next of node === undefined ? [] : [node.parent, ...node.dependencies]) {
    if (next === "" || seen.has(next)) continue;
    seen.add(next);
    before(next, seen);
  }
  return seen;
}

const urnsOf = (type: string, name?: string): readonly string[] =>
  [...registered].flatMap(([urn, node]) =>
    urn.split("::")[2]?.split("$").at(-1) === type && (name === undefined || node.name === name) ? [urn] : [],
  );

/** Expects that each of the first comes after all of the others. */
function comesAfter(ones: readonly string[], others: readonly string[]): void {
  expect([ones.length > 0, others.length > 0]).toEqual([true, true]);
  for (const one of ones) expect([...before(one)]).toEqual(expect.arrayContaining([...others]));
}

const SECRET = "kubernetes:core/v1:Secret";
const ENTRY = "trustee:index:KbsSecretEntry";
const POLICY = "trustee:index:ResourcePolicy";
const VALUES = "trustee:index:ReferenceValues";
const POD = "kubernetes:core/v1:Pod";

describe("the order of creation, and in reverse of destruction", () => {
  beforeAll(async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: new Date("2026-01-10T00:00:00Z") });
    await mockPulumi({
      call: ({ token }) => (token === "trustee:index:getTrustee" ? LIVE : { found: {} }),
      newResource: ({ name, inputs }) => ({
        id: `${name}-id`,
        state: { ...(inputs as object), value: "generated", liveContent: "", revision: "1", expiries: {} },
      }),
    });
    const monitor: Monitor = MockMonitor.prototype;
    const register = monitor.registerResource;
    monitor.registerResource = async function (request, callback) {
      await register.call(this, request, (error, response) => {
        registered.set(response?.getUrn() ?? "", {
          name: request.getName(),
          parent: request.getParent(),
          dependencies: request.getDependenciesList(),
          sources: new Map(
            request
              .getPropertydependenciesMap()
              .getEntryList()
              .map(([input]) => [
                input,
                request.getPropertydependenciesMap().get(input)?.getUrnsList() ?? [],
              ]),
          ),
        });
        callback(error, response);
      });
    };
    const { declareTrusteeAccess } = await import("../../components/declare.ts");
    const { access } = await declareTrusteeAccess("access", {
      settings: {
        trustee: { url: "https://kbs.example.com" },
        podCluster: { kubeconfig: "/elsewhere" },
        secrets: [
          { name: "made", from: "generate", keys: ["a"] },
          { name: "there", keys: ["k"] },
        ],
        podDefaults: { image: "registry.example/app:1" },
        pods: [{ name: "alone" }],
        grants: [{ pod: "alone", secret: "made" }],
      },
    });
    await new Promise((resolve) => {
      access.rotation.rollout.id.apply(resolve);
    });
    vi.useRealTimers();
  }, 60_000);

  it("a secret is created after its policy, and deleted before it", () => {
    comesAfter([...urnsOf(SECRET), ...urnsOf(ENTRY)], urnsOf(POLICY));
  });

  it("a policy that is replaced replaces the entries of the secrets that it restricts", () => {
    const sources = (name: string) =>
      urnsOf(ENTRY, name).map((urn) => registered.get(urn)?.sources.get("policyConfigMap"));
    expect(sources("made")).toEqual([urnsOf(POLICY)]);
    expect(sources("there")).toEqual([undefined]);
  });

  it("a Secret is created before its entry in the KbsConfig, and deleted after it", () => {
    comesAfter(urnsOf(ENTRY, "made"), urnsOf(SECRET, "made"));
  });

  it("neither the policy nor the reference values wait for a secret", () => {
    const others = [...urnsOf(SECRET), ...urnsOf(ENTRY)];
    for (const urn of [...urnsOf(POLICY), ...urnsOf(VALUES)])
      expect([...before(urn)].filter((one) => others.includes(one))).toEqual([]);
  });

  it("pods are created after the rollout of everything they need, and a rotation ends after the pods", () => {
    const rollout = urnsOf("trustee:index:Rollout", "rollout");
    comesAfter(rollout, [...urnsOf(POLICY), ...urnsOf(VALUES), ...urnsOf(SECRET), ...urnsOf(ENTRY)]);
    comesAfter(urnsOf(POD), rollout);
    comesAfter(urnsOf("trustee:index:Retirement"), urnsOf(POD));
  });

  it("the check of the pods' cluster is there before the first pod, so that every destroy does it", () => {
    comesAfter(urnsOf(POD), urnsOf("trustee:index:ClusterCheck"));
  });

  it("the rollout that ends a destroy is registered before everything else on Trustee", () => {
    const restoration = urnsOf("trustee:index:Rollout", "restoration");
    comesAfter(
      [POLICY, VALUES, SECRET, ENTRY].flatMap((type) => urnsOf(type)),
      restoration,
    );
  });
});
