import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { INITDATA_ANNOTATION } from "../../../core/initdata/annotation.ts";
import { generationFacts, type Generation } from "../../../core/trustee/generation.ts";
import type { Sandbox } from "../../../sandbox/api.ts";
import { configMapKey, editReferenceValues, patchKey, restartKbs, sharedData } from "./cluster.ts";
import { createSecret, patch, remove } from "./objects.ts";

export interface Context {
  readonly sandbox: Sandbox;
  readonly trustee: Generation;
  readonly initData: Readonly<Record<string, string>>;
}

/** A change behind Pulumi's back, and the step of a preview that it must cause. */
export interface Drift {
  readonly what: string;
  readonly make: (context: Context) => Promise<unknown>;
  readonly shows: RegExp;
  /**
   * The part of {@link Served} that changes after a restart of the KBS. The test then restarts it before the
   * preview.
   */
  readonly served?: keyof Served;
}

/** What Trustee serves: the tutorial's nine cells, and the value that pod2 reads. */
export interface Served {
  readonly cells: readonly (readonly boolean[])[];
  readonly secret: string;
}

export const POLICY = "trusteeconfig-resource-policy";

function policyKey(trustee: Generation): string {
  return generationFacts[trustee].policyKey;
}

/** The line of a preview for one step. */
function step(sign: string, type: string, name: string, op: string): RegExp {
  const escaped = `${sign} `.replace("+", "\\+");
  return new RegExp(`^ *${escaped} *${type} ${name} ${op}\\b`, "m");
}

/** An entry with digests of our pods only: the stack creates it. */
export const MADE_ENTRY = "made_pcr08";

/** A new certificate like the sandbox's. */
function newCertificate(): { readonly certificate: string; readonly key: string } {
  const folder = mkdtempSync(join(tmpdir(), "trustee-access-certificate-"));
  const [certificate, key] = [join(folder, "tls.crt"), join(folder, "tls.key")];
  const subject = [
    "-subj",
    "/CN=rotated",
    "-addext",
    "basicConstraints=critical,CA:FALSE",
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

const drifts = {
  entryRemoved: {
    what: "our entry removed from kbsSecretResources",
    make: async ({ sandbox }) => {
      const list = (await sharedData(sandbox)).kbsConfig["kbsSecretResources"] as readonly string[];
      const spec = { kbsSecretResources: list.filter((name) => name !== "p2-secret") };
      await patch(sandbox, "KbsConfig", "trusteeconfig-kbs-config", { spec });
    },
    shows: step("~", "trustee:index:KbsSecretEntry", "p2-secret", "update"),
  },
  digestRemoved: {
    what: "our digest removed from the reference values",
    make: async ({ sandbox, trustee, initData }) =>
      editReferenceValues(sandbox, trustee, "snp_pcr08", (entry) => ({
        ...entry,
        value: entry.value.filter((digest) => digest !== initData["pod1"]),
      })),
    shows: step("~", "trustee:index:ReferenceValues", "reference-values", "update"),
  },
  digestDoubled: {
    what: "our digest doubled in the reference values",
    make: async ({ sandbox, trustee, initData }) =>
      editReferenceValues(sandbox, trustee, "snp_pcr08", (entry) => ({
        ...entry,
        value: [...entry.value, initData["pod1"] ?? ""],
      })),
    shows: step("~", "trustee:index:ReferenceValues", "reference-values", "update"),
  },
  entryExpired: {
    what: "our entry expired",
    make: async ({ sandbox, trustee }) =>
      editReferenceValues(sandbox, trustee, MADE_ENTRY, (entry) => ({
        ...entry,
        expiration: "2020-01-01T00:00:00Z",
      })),
    shows: step("~", "trustee:index:ReferenceValues", "reference-values", "update"),
  },
  policyEdited: {
    what: "the policy edited by hand, and the KBS restarted meanwhile",
    make: async ({ sandbox, trustee }) => {
      const policy = await configMapKey(sandbox, POLICY, policyKey(trustee));
      await patchKey(
        sandbox,
        POLICY,
        policyKey(trustee),
        policy.replace("\ndefault allow = false\n", "\ndefault allow = true\n"),
      );
    },
    served: "cells",
    shows: step("~", "trustee:index:ResourcePolicy", "resource-policy", "update"),
  },
  policyReset: {
    what: "the policy reset to the stock one",
    make: async ({ sandbox, trustee }) => {
      const stock =
        "package policy\nimport rego.v1\n\ndefault allow = false\n\nallow if {\n    count(input.submods) > 0\n}\n";
      await patchKey(sandbox, POLICY, policyKey(trustee), stock);
    },
    shows: step("~", "trustee:index:ResourcePolicy", "resource-policy", "update"),
  },
  valueChanged: {
    what: "the secret's value changed, and the KBS restarted meanwhile",
    make: async ({ sandbox }) => {
      const data = { secret: Buffer.from("another").toString("base64") };
      await patch(sandbox, "Secret", "p2-secret", { data });
    },
    served: "secret",
    shows: step("~", "kubernetes:core/v1:Secret", "p2-secret", "update"),
  },
  secretDeleted: {
    what: "the Secret deleted",
    make: async ({ sandbox }) => remove(sandbox, "Secret", "p2-secret"),
    shows: step("+", "kubernetes:core/v1:Secret", "p2-secret", "create"),
  },
  podDeleted: {
    what: "a pod deleted",
    make: async ({ sandbox }) => remove(sandbox, "Pod", "pod3", "default"),
    shows: step("+", "kubernetes:core/v1:Pod", "pod3", "create"),
  },
  annotationChanged: {
    what: "a pod's initdata annotation changed",
    make: async ({ sandbox }) => {
      const annotations = { [INITDATA_ANNOTATION]: "H4sIAAAAAAACAwMAAAAAAAAAAAA=" };
      await patch(sandbox, "Pod", "pod2", { metadata: { annotations } }, "default");
    },
    shows: step("+-", "kubernetes:core/v1:Pod", "pod2", "replace"),
  },
  certificateRotated: {
    what: "the certificate rotated",
    make: async ({ sandbox }) => {
      // The operator serves its own copies of the rotated Secret.
      const { certificate, key } = newCertificate();
      const write = async (name: string, data: Readonly<Record<string, string>>): Promise<void> =>
        patch(sandbox, "Secret", name, { data });
      await write("trusteeconfig-https-cert-secret", { certificate });
      await write("trusteeconfig-https-key-secret", { privateKey: key });
      await write("trustee-tls-cert", { "tls.crt": certificate, "tls.key": key });
    },
    shows: step("+-", "kubernetes:core/v1:Pod", "pod1", "replace"),
  },
  routeMoved: {
    what: "the route's host changed",
    make: async ({ sandbox, trustee }) => {
      const spec = { host: "kbs.moved.example" };
      await patch(sandbox, "Route", generationFacts[trustee].route, { spec });
    },
    shows: step("+-", "kubernetes:core/v1:Pod", "pod1", "replace"),
  },
} satisfies Readonly<Record<string, Drift>>;

/**
 * All drifts. A round takes two previews and an up, so it has several drifts of different resources. The first
 * preview must show each of them, and up must fix all.
 */
export const rounds: readonly (readonly Drift[])[] = [
  [drifts.policyEdited, drifts.valueChanged, drifts.entryExpired],
  [
    drifts.entryRemoved,
    drifts.digestRemoved,
    drifts.policyReset,
    drifts.podDeleted,
    drifts.annotationChanged,
  ],
  [drifts.digestDoubled, drifts.secretDeleted],
  [drifts.certificateRotated],
  [drifts.routeMoved],
];

/** Changes behind Pulumi's back to what the stack does not declare. */
export const noDrifts: readonly Omit<Drift, "shows">[] = [
  {
    what: "the Deployment restarted by another client (on 0.21 its operator removes the annotation again)",
    make: async ({ sandbox }) => restartKbs(sandbox),
  },
  {
    what: "another team's entry in kbsSecretResources",
    make: async ({ sandbox }) => {
      await createSecret(sandbox, "theirs");
      const list = (await sharedData(sandbox)).kbsConfig["kbsSecretResources"] as readonly string[];
      const spec = { kbsSecretResources: ["theirs", ...list] };
      await patch(sandbox, "KbsConfig", "trusteeconfig-kbs-config", { spec });
    },
  },
  {
    what: "another team's digest in the reference values",
    make: async ({ sandbox, trustee }) =>
      editReferenceValues(sandbox, trustee, "snp_pcr08", (entry) => ({
        ...entry,
        value: ["f".repeat(64), ...entry.value],
      })),
  },
  {
    what: "another key in the ConfigMap, and another label",
    make: async ({ sandbox }) => {
      await patchKey(sandbox, POLICY, "notes.txt", "not ours\n");
      await patch(sandbox, "ConfigMap", POLICY, { metadata: { labels: { team: "other" } } });
    },
  },
];
