import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { LIVE, mockPulumi } from "./live-trustee.ts";

/** The providers that were made, and the provider of each other resource. */
const providers: string[] = [];
const uses = new Map<string, string | undefined>();

beforeAll(async () => {
  // A time at which the fixtures' certificate is valid.
  vi.useFakeTimers({ toFake: ["Date"], now: new Date("2026-01-10T00:00:00Z") });
  await mockPulumi({
    call: ({ token }) => (token === "trustee:index:getTrustee" ? LIVE : { found: {} }),
    newResource: ({ type, name, inputs, provider }) => {
      if (type.startsWith("pulumi:providers:")) providers.push(name);
      else uses.set(`${type} ${name}`, provider?.split("::").at(-2));
      const computed = { value: "v", revision: "1", liveContent: "", expiries: {}, owner: "o", cluster: "c" };
      return { id: name, state: { ...(inputs as object), ...computed } };
    },
  });
}, 60_000);

afterAll(() => {
  vi.useRealTimers();
});

it("a declaration with providers of the program makes none, and uses these", async () => {
  const kubernetes = await import("@pulumi/kubernetes");
  const { declareTrusteeAccess, TrusteeProvider } = await import("../../components/index.ts");
  const trustee = new TrusteeProvider("mine", { kubeconfig: "/mine" });
  const podReader = new TrusteeProvider("pods", { kubeconfig: "/pods" });
  const clusters = {
    trustee,
    podReader,
    trusteeKubernetes: new kubernetes.Provider("mine-kubernetes", { kubeconfig: "/mine" }),
    podKubernetes: new kubernetes.Provider("pods-kubernetes", { kubeconfig: "/pods" }),
  };
  const { access } = await declareTrusteeAccess("access", {
    clusters,
    settings: {
      trustee: { kubeconfig: "/ignored" },
      secrets: [{ name: "made", from: "generate", keys: ["k"] }],
      pods: [{ name: "web", image: "registry.example/app:1" }],
    },
  });
  await new Promise((resolve) => {
    access.rotation.rollout.id.apply(resolve);
  });
  expect(providers.sort()).toStrictEqual(["mine", "mine-kubernetes", "pods", "pods-kubernetes"]);
  expect(Object.fromEntries(uses)).toMatchObject({
    "trustee:index:ResourcePolicy resource-policy": "mine",
    "trustee:index:KbsSecretEntry made": "mine",
    "kubernetes:core/v1:Secret made": "mine-kubernetes",
    "kubernetes:core/v1:Pod web": "pods-kubernetes",
    "trustee:index:ClusterCheck pod-cluster": "pods",
  });
});
