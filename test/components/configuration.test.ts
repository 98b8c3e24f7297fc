import * as pulumi from "@pulumi/pulumi";
import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { IssuesError } from "../../core/issues.ts";

const HIDDEN = "hunter2-the-value";
const KEYS = "PULUMI_CONFIG_SECRET_KEYS";

/**
 * The error for a stack with this configuration.
 * @param encrypted the settings that Pulumi holds as secrets
 */
async function refusal(settings: Readonly<Record<string, unknown>>, encrypted: readonly string[]) {
  const { readConfiguration } = await import("../../components/configuration.ts");
  const { declareConfiguration } = await import("../../components/declare.ts");
  const all = Object.entries(settings).map(([name, value]) => [
    `trustee-access:${name}`,
    typeof value === "string" ? value : JSON.stringify(value),
  ]);
  pulumi.runtime.setAllConfig(Object.fromEntries(all) as Record<string, string>);
  vi.stubEnv(KEYS, JSON.stringify(encrypted.map((name) => `trustee-access:${name}`)));
  try {
    await declareConfiguration("access", readConfiguration());
  } catch (error) {
    if (error instanceof IssuesError) return error;
    throw error;
  }
  throw new Error("it was not refused");
}

beforeAll(async () => {
  await pulumi.runtime.setMocks({
    call: () => ({}),
    newResource: ({ type }) => {
      throw new Error(`${type} was registered`);
    },
  });
});
afterEach(() => {
  vi.unstubAllEnvs();
});

const sound = {
  podDefaults: { image: "i" },
  secrets: [{ name: "s", keys: ["k"] }],
  pods: [{ name: "a" }],
  grants: [{ pod: "a", secret: "s" }],
};

describe("an encrypted setting", () => {
  it.each<[string, unknown]>([
    ["pods", [{ name: "a", env: { PASSWORD: HIDDEN } }]],
    ["podDefaults", { image: HIDDEN }],
    ["trustee", { kubeconfig: HIDDEN }],
    ["podCluster", { kubeconfig: HIDDEN }],
    ["readers", [{ name: HIDDEN, initdata: HIDDEN }]],
    ["grants", [{ pod: HIDDEN, secret: HIDDEN }]],
    ["otherSecrets", HIDDEN],
    ["rotation", HIDDEN],
    ["referenceValues", { validityDaysOf: { [HIDDEN]: 40 } }],
    ["nonsense", HIDDEN],
  ])("is refused; its value is not shown, and causes no further problem: %s", async (name, value) => {
    const error = await refusal({ ...sound, [name]: value }, [name]);
    expect(error.message).not.toContain(HIDDEN);
    expect(error.issues).toEqual([
      {
        code: "TA612",
        path: name,
        given: "a value that Pulumi holds encrypted, as a whole or in part",
        allowed:
          "secretValues alone: every other setting shows in the state, the outputs and objects of the cluster",
        fix: `Set it as plain text (pulumi config set --plaintext). If it is a secret, give it to Trustee: declare it in secrets, set it in secretValues, and grant it to the pod. For a kubeconfig, set the file's path.`,
      },
    ]);
  });

  it("is reported with all others, and with all other problems", async () => {
    const error = await refusal(
      {
        ...sound,
        rotation: HIDDEN,
        otherSecrets: HIDDEN,
        secrets: [{ name: "S!", keys: ["k"] }],
        grants: [],
      },
      ["rotation", "otherSecrets"],
    );
    expect(error.message).not.toContain(HIDDEN);
    expect(error.issues.map(({ path }) => path)).toEqual(["secrets[0].name", "otherSecrets", "rotation"]);
  });
});

describe("a kubeconfig given as content", () => {
  const yaml = `apiVersion: v1\nkind: Config\nusers: [{ name: u, user: { token: ${HIDDEN} } }]\n`;
  const json = JSON.stringify({ users: [{ name: "u", user: { token: HIDDEN } }] });

  it.each([
    ["YAML", yaml],
    ["YAML on one line", `{users: [{user: {token: ${HIDDEN}}}]}`],
    ["JSON", json],
    ["base64", Buffer.from(yaml).toString("base64")],
    ["base64 of JSON", Buffer.from(json).toString("base64")],
  ])("is refused, in plain text too, and not shown: %s", async (_, kubeconfig) => {
    // In a list, because Pulumi would pass a map instead of the JSON text.
    const settings = { ...sound, trustee: { kubeconfig }, podCluster: { kubeconfig } };
    const error = await refusal(settings, []);
    for (const text of [HIDDEN, Buffer.from(HIDDEN).toString("base64"), kubeconfig.slice(0, 20)])
      expect(error.message).not.toContain(text);
    expect(error.issues).toEqual(
      ["trustee", "podCluster"].map((side) => ({
        code: "TA602",
        path: `${side}.kubeconfig`,
        given: "the content of a kubeconfig, which is not shown here",
        allowed: "the path of a kubeconfig file",
        fix: "Correct it in the stack's configuration.",
      })),
    );
  });
});

it("the kubeconfig of the provider trustee is a secret if it is content, and readable if it is a path", async () => {
  const inputs: unknown[] = [];
  await pulumi.runtime.setMocks({
    call: () => ({}),
    newResource: (resource) => {
      inputs.push(resource.inputs);
      return { id: "id", state: {} };
    },
  });
  const { Provider } = await import("../../components/trustee/provider.ts");
  const content = `apiVersion: v1\nusers: [${HIDDEN}]\n`;
  for (const [index, kubeconfig] of [
    content,
    pulumi.output(content),
    "~/.kube/config",
    undefined,
  ].entries()) {
    const provider = new Provider(`p${index}`, { kubeconfig });
    await new Promise((resolve) => provider.urn.apply(resolve));
  }
  const { specialSigKey, specialSecretSig } = pulumi.runtime;
  const hidden = { kubeconfig: { [specialSigKey]: specialSecretSig, value: content } };
  expect(inputs).toEqual([hidden, hidden, { kubeconfig: "~/.kube/config" }, {}]);
});
