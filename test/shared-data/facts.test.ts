import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { z } from "zod";
import { namesIn, seenOf, tlsSecretIn } from "../../core/trustee/seen.ts";

/** The objects that the real operators install, next to the checkout. */
const shared = join(import.meta.dirname, "..", "..", "..", "shared", "data");

const objects = z.array(
  z.looseObject({
    kind: z.string(),
    metadata: z.looseObject({
      name: z.string(),
      ownerReferences: z.array(z.looseObject({ kind: z.string(), name: z.string() })).optional(),
    }),
    data: z.record(z.string(), z.string()).optional(),
  }),
);

function recorded(file: string): z.output<typeof objects> {
  const text = readFileSync(join(shared, file), "utf8");
  return objects.parse(
    file.endsWith(".json")
      ? (JSON.parse(text) as { items: unknown }).items
      : parseAllDocuments(text).map((document) => document.toJS() as unknown),
  );
}

const certificate = { name: "trusteeconfig-https-cert-secret", key: "certificate" };
const newer = {
  policyKey: "resource-policy.rego",
  referenceValuesKey: "reference_value",
  referenceValuesFormat: "map",
  certificate,
  isHttp: false,
  pathForm: "array",
};

test.each([
  [
    "trustee-operator-v0.18.0/installed.yaml",
    {
      policyKey: "policy.rego",
      referenceValuesKey: "reference-values.json",
      referenceValuesFormat: "list",
      certificate,
      isHttp: false,
    },
  ],
  ["trustee-operator-v0.21.0/installed.yaml", newer],
  ["redhat-operator-v1.2.1/after-update-from-1.1.json", newer],
])("the facts of %s", (file, facts) => {
  const all = recorded(file);
  const of = (kind: string, name?: string) =>
    all.find((one) => one.kind === kind && (name === undefined || one.metadata.name === name));
  const names = namesIn(of("KbsConfig"));
  expect(names).toEqual({
    policy: "trusteeconfig-resource-policy",
    referenceValues: "trusteeconfig-rvps-reference-values",
    kbsSettings: "trusteeconfig-kbs-config",
    certificate: certificate.name,
    trusteeConfig: "trusteeconfig",
  });
  expect(tlsSecretIn(of("TrusteeConfig"))).toBe("trustee-tls-cert");
  expect(seenOf(of("Deployment"), of("ConfigMap", names.kbsSettings)?.data, names)).toEqual(facts);
});
