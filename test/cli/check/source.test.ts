import { createServer } from "node:http";
import { describe, expect, it } from "vitest";
import { prove } from "../../../cli/check/prove.ts";
import { readPolicy } from "../../../cli/check/source.ts";
import { trusteeNames, type Generation } from "../../../core/trustee/generation.ts";
import { stackOutputs } from "../../fixtures/stack-outputs.ts";
import { listening } from "../../support/listening.ts";
import { kubeconfigOf } from "../../kube/api-server.ts";
import { toolPath } from "../../support/tools.ts";

const { namespace } = trusteeNames;

/** A Deployment that mounts the policy like the operators of a generation. */
function deployment(generation: Generation): unknown {
  const [mountPath, subPath] =
    generation === "0.21"
      ? ["/opt/confidential-containers/opa/resource-policy.rego", "resource-policy.rego"]
      : ["/opt/confidential-containers/opa", undefined];
  return {
    metadata: { name: trusteeNames.deployment },
    spec: {
      selector: {},
      template: {
        spec: {
          containers: [{ name: "kbs", volumeMounts: [{ name: "policy", mountPath, subPath }] }],
          volumes: [{ name: "policy", configMap: { name: trusteeNames.resourcePolicy } }],
        },
      },
    },
  };
}

/**
 * A Trustee of that generation with this policy ConfigMap.
 * @returns a stack that was last deployed on 0.18
 */
async function liveTrustee(generation: Generation, data: Readonly<Record<string, string>>) {
  const objects: Readonly<Record<string, unknown>> = {
    [trusteeNames.kbsConfig]: { metadata: { name: trusteeNames.kbsConfig }, spec: {} },
    [trusteeNames.resourcePolicy]: { metadata: { name: trusteeNames.resourcePolicy }, data },
    [trusteeNames.deployment]: deployment(generation),
  };
  const server = createServer(({ url = "" }, response) => {
    const found = objects[url.split("/").at(-1) ?? ""];
    response.writeHead(found === undefined ? 404 : 200, { "content-type": "application/json" });
    response.end(JSON.stringify(found ?? { kind: "Status", code: 404, reason: "NotFound" }));
  });
  const port = await listening(server);
  const kubeconfig = kubeconfigOf({ server: `http://127.0.0.1:${port}` });
  const stack = stackOutputs();
  return { ...stack, annotations: {}, trustee: { ...stack.trustee, cluster: { kubeconfig } } };
}

const BOTH = { "policy.rego": "package old\n", "resource-policy.rego": "package new\n" };
const LIVE = { live: true } as const;
const WHERE = `ConfigMap ${namespace}/${trusteeNames.resourcePolicy}`;

describe("the policy in the cluster", () => {
  it("is the one that the Trustee reads, not the one that the last up wrote", async () => {
    expect(await readPolicy(await liveTrustee("0.21", BOTH), LIVE)).toMatchObject({
      text: BOTH["resource-policy.rego"],
      syntax: "v1",
      from: `${WHERE}, key "resource-policy.rego", as in the cluster (the last pulumi up wrote "policy.rego", which this Trustee does not read)`,
    });
    expect(await readPolicy(await liveTrustee("0.18", BOTH), LIVE)).toMatchObject({
      text: BOTH["policy.rego"],
      syntax: "v0",
      from: `${WHERE}, key "policy.rego", as in the cluster`,
    });
  });

  it("is an error if only the previous key is left", async () => {
    const stack = await liveTrustee("0.21", { "policy.rego": "package old\n" });
    await expect(readPolicy(stack, LIVE)).rejects.toThrow(
      `ConfigMap "${trusteeNames.resourcePolicy}" in namespace "${namespace}" has no key "resource-policy.rego", which this Trustee reads`,
    );
  });

  it("is evaluated in the syntax of the Trustee that reads it", async () => {
    const policy = await readPolicy(await liveTrustee("0.21", BOTH), LIVE);
    const { policies } = await prove(policy, await toolPath("opa"), false);
    expect(policies.map(({ syntax }) => syntax)).toEqual(["v1"]);
  }, 1_200_000);
});
