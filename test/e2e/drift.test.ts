import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { generationFacts, generations, type Generation } from "../../core/trustee/generation.ts";
import { startSandbox, type Sandbox } from "../../sandbox/api.ts";
import {
  configMapKey,
  editReferenceValues,
  kubectl,
  NAMESPACE,
  patchKey,
  sharedData,
} from "./support/cluster.ts";
import { devConfiguration, Project } from "./support/project.ts";

interface Context {
  readonly sandbox: Sandbox;
  readonly trustee: Generation;
  readonly initData: Readonly<Record<string, string>>;
}

/** Something done behind Pulumi's back, and the resource that a preview must name for it. */
interface Drift {
  readonly what: string;
  readonly make: (context: Context) => Promise<unknown>;
  readonly shows: RegExp;
}

const POLICY = "trusteeconfig-resource-policy";

function policyKey(trustee: Generation): string {
  return generationFacts[trustee].policyKey;
}

/** A certificate like the sandbox's, made anew. */
function newCertificate(): { readonly certificate: string; readonly key: string } {
  const folder = mkdtempSync(join(tmpdir(), "trustee-access-certificate-"));
  const [certificate, key] = [join(folder, "tls.crt"), join(folder, "tls.key")];
  const subject = [
    "-subj",
    "/CN=rotated",
    "-addext",
    "subjectAltName=DNS:kbs-service-trustee-operator-system.apps.sandbox.example,DNS:kbs-route-trustee-operator-system.apps.sandbox.example,DNS:kbs.moved.example",
  ];
  const command = [
    "req",
    "-x509",
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:prime256v1",
    "-nodes",
    "-days",
    "365",
  ];
  execFileSync("openssl", [...command, ...subject, "-keyout", key, "-out", certificate], { stdio: "ignore" });
  const read = (file: string): string => readFileSync(file).toString("base64");
  const result = { certificate: read(certificate), key: read(key) };
  rmSync(folder, { recursive: true });
  return result;
}

const drifts: readonly Drift[] = [
  {
    what: "our entry removed from kbsSecretResources",
    make: async ({ sandbox }) => {
      const list = (await sharedData(sandbox)).kbsConfig["kbsSecretResources"] as readonly string[];
      const spec = { kbsSecretResources: list.filter((name) => name !== "p2-secret") };
      await kubectl(
        sandbox,
        "patch",
        "kbsconfig",
        "trusteeconfig-kbs-config",
        "-n",
        NAMESPACE,
        "--type=merge",
        "-p",
        JSON.stringify({ spec }),
      );
    },
    shows: /KbsSecretEntry p2-secret/,
  },
  {
    what: "our digest removed from the reference values",
    make: async ({ sandbox, trustee, initData }) =>
      editReferenceValues(sandbox, trustee, "snp_pcr08", (entry) => ({
        ...entry,
        value: entry.value.filter((digest) => digest !== initData["pod1"]),
      })),
    shows: /ReferenceValues reference-values/,
  },
  {
    what: "our digest doubled in the reference values",
    make: async ({ sandbox, trustee, initData }) =>
      editReferenceValues(sandbox, trustee, "snp_pcr08", (entry) => ({
        ...entry,
        value: [...entry.value, initData["pod1"] ?? ""],
      })),
    shows: /ReferenceValues reference-values/,
  },
  {
    what: "the policy edited by hand",
    make: async ({ sandbox, trustee }) => {
      const policy = await configMapKey(sandbox, POLICY, policyKey(trustee));
      await patchKey(
        sandbox,
        POLICY,
        policyKey(trustee),
        policy.replace("\ndefault allow = false\n", "\ndefault allow = true\n"),
      );
    },
    shows: /ConfigMapEntry resource-policy/,
  },
  {
    what: "the policy reset to the stock one",
    make: async ({ sandbox, trustee }) => {
      const stock =
        "package policy\nimport rego.v1\n\ndefault allow = false\n\nallow if {\n    count(input.submods) > 0\n}\n";
      await patchKey(sandbox, POLICY, policyKey(trustee), stock);
    },
    shows: /ConfigMapEntry resource-policy/,
  },
  {
    what: "the secret's value changed",
    make: async ({ sandbox }) => {
      const data = { secret: Buffer.from("another").toString("base64") };
      await kubectl(
        sandbox,
        "patch",
        "secret",
        "p2-secret",
        "-n",
        NAMESPACE,
        "--type=merge",
        "-p",
        JSON.stringify({ data }),
      );
    },
    shows: /Secret p2-secret/,
  },
  {
    what: "the Secret deleted",
    make: async ({ sandbox }) => kubectl(sandbox, "delete", "secret", "p2-secret", "-n", NAMESPACE),
    shows: /Secret p2-secret/,
  },
  {
    what: "a pod deleted",
    make: async ({ sandbox }) => kubectl(sandbox, "delete", "pod", "pod3", "-n", "default", "--wait=true"),
    shows: /Pod pod3/,
  },
  {
    what: "a pod's initdata annotation changed",
    make: async ({ sandbox }) =>
      kubectl(
        sandbox,
        "annotate",
        "pod",
        "pod2",
        "-n",
        "default",
        "--overwrite",
        "io.katacontainers.config.hypervisor.cc_init_data=H4sIAAAAAAACAwMAAAAAAAAAAAA=",
      ),
    shows: /Pod pod2/,
  },
  {
    what: "the certificate rotated",
    make: async ({ sandbox }) => {
      // What the operator serves is its own copy of the rotated Secret.
      const { certificate, key } = newCertificate();
      const patch = async (name: string, data: Readonly<Record<string, string>>): Promise<string> =>
        kubectl(
          sandbox,
          "patch",
          "secret",
          name,
          "-n",
          NAMESPACE,
          "--type=merge",
          "-p",
          JSON.stringify({ data }),
        );
      await patch("trusteeconfig-https-cert-secret", { certificate });
      await patch("trusteeconfig-https-key-secret", { privateKey: key });
      await patch("trustee-tls-cert", { "tls.crt": certificate, "tls.key": key });
    },
    shows: /Pod pod1/,
  },
  {
    what: "the route's host changed",
    make: async ({ sandbox, trustee }) => {
      const spec = { host: "kbs.moved.example" };
      await kubectl(
        sandbox,
        "patch",
        "route",
        generationFacts[trustee].route,
        "-n",
        NAMESPACE,
        "--type=merge",
        "-p",
        JSON.stringify({ spec }),
      );
    },
    shows: /Pod pod1/,
  },
];

/** Done behind Pulumi's back too, and nothing of ours. */
const noDrifts: readonly Omit<Drift, "shows">[] = [
  {
    what: "the Deployment restarted by somebody (on 0.21 its operator takes the annotation away again)",
    make: async ({ sandbox }) => {
      await kubectl(sandbox, "rollout", "restart", "deployment/trustee-deployment", "-n", NAMESPACE);
      await kubectl(
        sandbox,
        "rollout",
        "status",
        "deployment/trustee-deployment",
        "-n",
        NAMESPACE,
        "--timeout=60s",
      );
    },
  },
  {
    what: "somebody else's entry in kbsSecretResources",
    make: async ({ sandbox }) => {
      await kubectl(sandbox, "create", "secret", "generic", "theirs", "--from-literal=a=b", "-n", NAMESPACE);
      const list = (await sharedData(sandbox)).kbsConfig["kbsSecretResources"] as readonly string[];
      const spec = { kbsSecretResources: ["theirs", ...list] };
      await kubectl(
        sandbox,
        "patch",
        "kbsconfig",
        "trusteeconfig-kbs-config",
        "-n",
        NAMESPACE,
        "--type=merge",
        "-p",
        JSON.stringify({ spec }),
      );
    },
  },
  {
    what: "somebody else's digest and entry in the reference values",
    make: async ({ sandbox, trustee }) =>
      editReferenceValues(sandbox, trustee, "snp_pcr08", (entry) => ({
        ...entry,
        value: ["f".repeat(64), ...entry.value],
      })),
  },
  {
    what: "another key in the ConfigMap, another label on it",
    make: async ({ sandbox }) => {
      await patchKey(sandbox, POLICY, "notes.txt", "not ours\n");
      await kubectl(sandbox, "label", "configmap", POLICY, "-n", NAMESPACE, "team=other");
    },
  },
];

describe.each(generations)("behind Pulumi's back, on Trustee %s", (trustee) => {
  let sandbox: Sandbox;
  let project: Project;

  beforeAll(async () => {
    sandbox = await startSandbox({ name: `e2e-drift-${trustee.replace(".", "-")}`, trustee });
    project = new Project(sandbox, "drift");
    await project.init(devConfiguration());
    await project.up();
  }, 1_800_000);
  afterAll(async () => {
    await project.dispose();
    await sandbox.stop();
  });

  async function context(): Promise<Context> {
    return { sandbox, trustee, initData: (await project.outputs())["initData"] as Context["initData"] };
  }

  it.each(drifts)(
    "$what is drift: a plain preview shows it, up mends it, nothing is left",
    async ({ make, shows }) => {
      await make(await context());
      const preview = await project.preview("--expect-no-changes");
      expect({ failed: preview.exitCode !== 0 }).toEqual({ failed: true });
      expect(preview.stdout).toMatch(shows);
      await project.up("--skip-preview");
      const after = await project.preview("--expect-no-changes");
      expect({ exitCode: after.exitCode, said: after.exitCode === 0 ? "" : after.stdout }).toEqual({
        exitCode: 0,
        said: "",
      });
    },
  );

  it.each(noDrifts)("$what is no drift", async ({ make }) => {
    await make(await context());
    const { exitCode, stdout } = await project.preview("--expect-no-changes");
    expect({ exitCode, said: exitCode === 0 ? "" : stdout }).toEqual({ exitCode: 0, said: "" });
  });

  it("leaves what somebody else has put in meanwhile, and takes out what is ours", async () => {
    const { initData } = await context();
    await project.destroy();
    const { configMaps, kbsConfig } = await sharedData(sandbox);
    expect(kbsConfig["kbsSecretResources"]).toContain("theirs");
    expect(kbsConfig["kbsSecretResources"]).not.toContain("p2-secret");
    expect(configMaps[POLICY]?.data?.["notes.txt"]).toBe("not ours\n");
    const text = await configMapKey(
      sandbox,
      "trusteeconfig-rvps-reference-values",
      generationFacts[trustee].referenceValuesKey,
    );
    const decoded =
      trustee === "0.18"
        ? text
        : Object.values(JSON.parse(text) as Record<string, string>)
            .map((entry) => Buffer.from(entry, "base64url").toString())
            .join("\n");
    expect(decoded).toContain("f".repeat(64));
    for (const pcr8 of Object.values(initData)) expect(decoded).not.toContain(pcr8);
  });
});
