import { describe, expect, test } from "vitest";
import { trusteeNames } from "../../core/trustee/generation.ts";
import type { PropertyMap } from "../../provider/protocol/property-value.ts";
import { faultyBench } from "./bench.ts";
import { trusteeArgs } from "./trustee-args.ts";

const { certificate, namespace, referenceValues, resourcePolicy } = trusteeNames;
const { cluster, engine, proxy } = await faultyBench("0.18");

/** The error that the engine shows for a failed call. */
async function failure(name: string, args: PropertyMap): Promise<string> {
  const message = await engine.invoke(`trustee:index:${name}`, args).then(
    (result) => `no failure: ${JSON.stringify(result)}`,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
  // The message is for the user: no stack trace, and no source location.
  expect(message).not.toMatch(/^\s+at |node_modules|\.ts:\d|file:\/\//m);
  return message;
}

/** The API server refuses requests with this in their path. */
function forbid(part: string): void {
  proxy.fault = ({ path }) =>
    path.includes(part) ? { status: 403, message: "forbidden: no rule allows it" } : undefined;
}

const pods = (...names: readonly string[]): PropertyMap => ({
  pods: names.map((name) => ({ id: name, kind: "Pod", namespace: "default", name })),
});

describe("getInitdata", () => {
  test("names what it may not read, for one pod and for many", async () => {
    forbid("/pods");
    expect(await failure("getInitdata", pods("pod1"))).toBe(
      '2 UNKNOWN: TA803 cannot get pods "pod1" in namespace "default": forbidden: no rule allows it. Grant the verb "get" on pods to this account.',
    );
    expect(await failure("getInitdata", pods("pod1", "pod2", "pod3"))).toBe(
      '2 UNKNOWN: TA803 cannot list pods in namespace "default": forbidden: no rule allows it. Grant the verb "list" on pods to this account.',
    );
  });

  test("reports refused credentials", async () => {
    proxy.fault = () => ({ status: 401, message: "Unauthorized" });
    expect(await failure("getInitdata", pods("pod1"))).toBe(
      '2 UNKNOWN: TA802 cannot get pods "pod1" in namespace "default": Unauthorized. Renew the credentials of this kubeconfig context.',
    );
  });

  test("names all arguments that it cannot use, one per line", async () => {
    const odd = { id: "a", kind: "Box", namespace: "default", name: 7 };
    expect(await failure("getInitdata", { pods: [odd] })).toBe(
      "2 UNKNOWN: The arguments of getInitdata are invalid:\n" +
        '  pods[0].kind: Invalid option: expected one of "Pod"|"Deployment"|"StatefulSet"|"Job"\n' +
        "  pods[0].name: Invalid input: expected string, received number",
    );
  });

  test("returns nothing if nothing exists", async () => {
    expect(await engine.invoke("trustee:index:getInitdata", pods("no-such-pod"))).toStrictEqual({
      found: {},
    });
  });
});

describe("getTrustee", () => {
  test("needs no right to read Routes if trustee.url is set", async () => {
    forbid("/routes");
    const url = "https://kbs.example";
    expect(await engine.invoke("trustee:index:getTrustee", trusteeArgs(undefined, { url }))).toMatchObject({
      url,
      generation: "0.18",
    });
    const routes = proxy.calls.filter(({ path }) => path.includes("/routes"));
    expect(routes.length).toBeGreaterThan(0);
  });

  test("needs that right if trustee.url is not set", async () => {
    forbid("/routes");
    const message = await failure("getTrustee", trusteeArgs());
    expect(message).toContain(
      `TA803 trustee.kubeconfig: cannot get routes.route.openshift.io "kbs-service" in namespace "${namespace}": forbidden: no rule allows it. Grant the verb "get" on routes.route.openshift.io to this account.`,
    );
    expect(message).toContain(
      `trustee.url: nothing, and the Route "kbs-route" or "kbs-service" in namespace "${namespace}" cannot be read\n` +
        "      allowed: the URL at which the pods reach the KBS\n      to fix: Set trustee.url, or expose the KBS by a Route.",
    );
    expect(message).not.toContain("there is no Route");
  });

  test.each([
    ["Routes", "/routes/kbs-route", 'routes.route.openshift.io "kbs-route"'],
    ["the policy", `/configmaps/${resourcePolicy}`, `configmaps "${resourcePolicy}"`],
    ["the certificate", `/secrets/${certificate}`, `secrets "${certificate}"`],
  ])("reports an unanswered read as a problem: %s", async (_, part, named) => {
    proxy.fault = ({ path }) => (path.endsWith(part) ? "cut" : undefined);
    const message = await failure("getTrustee", trusteeArgs(undefined, { url: "https://kbs.example" }));
    expect(message).toMatch(/^2 UNKNOWN: 1 problem in the Trustee in namespace "trustee-operator-system"; /);
    expect(message).toContain(`TA801 trustee.kubeconfig: cannot get ${named} in namespace "${namespace}": `);
    expect(message).toContain("Check the kubeconfig, the context and the network, then run again.");
  });

  test.each([
    [400, "TA813", "the name is odd. Correct what the API server names, then run again."],
    [501, "TA814", "the name is odd. Run again when the API server works: kubectl get --raw /readyz"],
  ])("reports a read that fails with HTTP %i as a problem of its own kind", async (status, code, words) => {
    const { resourcePolicy, namespace } = trusteeNames;
    proxy.fault = ({ path }) =>
      path.endsWith(`/configmaps/${resourcePolicy}`) ? { status, message: "the name is odd" } : undefined;
    expect(await failure("getTrustee", trusteeArgs(undefined, { url: "https://kbs.example" }))).toBe(
      `2 UNKNOWN: 1 problem in the Trustee in namespace "${namespace}"; nothing was changed.\n` +
        `  - ${code} trustee.kubeconfig: cannot get configmaps "${resourcePolicy}" in namespace "${namespace}": ${words}\n` +
        "      allowed: an answer from the API server\n" +
        "      to fix: Fix what it reports, then run again.",
    );
  });

  test("reports forbidden reads with all other problems", async () => {
    forbid("/configmaps/");
    const message = await failure(
      "getTrustee",
      trusteeArgs(undefined, { existingSecrets: ["nobody-made-it"] }),
    );
    expect(message).toMatch(/^2 UNKNOWN: 3 problems in the Trustee in namespace "trustee-operator-system"; /);
    expect(message).toContain(`cannot get configmaps "${resourcePolicy}"`);
    expect(message).toContain(`cannot get configmaps "${referenceValues}"`);
    expect(message).toContain('Secret "nobody-made-it", which does not exist');
  });

  test("names all arguments that it cannot use, one per line", async () => {
    expect(await failure("getTrustee", trusteeArgs(undefined, { namespace: "", generation: "0.1" }))).toBe(
      "2 UNKNOWN: The arguments of getTrustee are invalid:\n" +
        "  namespace: Too small: expected string to have >=1 characters\n" +
        '  generation: Invalid option: expected one of "0.18"|"0.21"',
    );
  });
});

describe("getPodCluster", () => {
  for (const name of ["kata-remote", "kata"]) cluster.apply({ kind: "RuntimeClass", metadata: { name } });

  async function ask(...namespaces: readonly string[]): Promise<unknown> {
    return engine.invoke("trustee:index:getPodCluster", { namespaces });
  }

  test("returns the namespaces that take no pods, and the RuntimeClasses", async () => {
    cluster.apply({ kind: "Namespace", metadata: { name: "closing", finalizers: ["kubernetes"] } });
    cluster.delete("Namespace", "closing");
    expect(await ask(cluster.namespace, "closing", "nowhere", "nowhere")).toStrictEqual({
      closedNamespaces: { closing: "terminating", nowhere: "missing" },
      runtimeClasses: ["kata", "kata-remote"],
    });
  });

  test("needs no right to read either", async () => {
    proxy.fault = () => ({ status: 403, message: "forbidden: no rule allows it" });
    expect(await ask("nowhere")).toStrictEqual({ closedNamespaces: {} });
  });

  test("reports all other failures", async () => {
    proxy.fault = () => ({ status: 401, message: "Unauthorized" });
    await expect(ask("nowhere")).rejects.toThrow(
      /^2 UNKNOWN: TA802 cannot (get namespaces "nowhere"|list runtimeclasses\.node\.k8s\.io): Unauthorized\. Renew the credentials of this kubeconfig context\.$/,
    );
  });
});
