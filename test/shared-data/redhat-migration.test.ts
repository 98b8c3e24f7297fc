import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { z } from "zod";
import { configMaps } from "../../sandbox/trustee/manifests/installation.ts";
import { migrate } from "../../sandbox/trustee/standin/migration.ts";

const recordings = join(import.meta.dirname, "../../../shared/data/redhat-operator-v1.2.1");

const schema = z.object({
  items: z.array(
    z.object({
      kind: z.string(),
      metadata: z.object({ name: z.string(), annotations: z.record(z.string(), z.string()).default({}) }),
      data: z.record(z.string(), z.string()).default({}),
    }),
  ),
});

function configMapsIn(file: string) {
  const { items } = schema.parse(JSON.parse(readFileSync(join(recordings, file), "utf8")));
  const found = items.filter(({ kind }) => kind === "ConfigMap");
  return new Map(found.map(({ metadata, data }) => [metadata.name, { ...metadata, data }]));
}

const real = configMapsIn("after-update-from-1.1.json");

function recorded(name: string) {
  const found = real.get(name);
  if (found === undefined) throw new Error(`the recording has no ConfigMap ${name}`);
  return found;
}

/** The timestamp in the recording. */
const NOW = new Date("2026-11-28T09:45:38Z");

test.each([
  "trusteeconfig-resource-policy",
  "trusteeconfig-attestation-policy-cpu",
  "trusteeconfig-attestation-policy-gpu",
  "trusteeconfig-kbs-config",
])("%s is copied and reset to the stock one, like Red Hat's operator 1.2 does", (name) => {
  const [backup, next] = [recorded(`${name}.v1.1`), recorded(name)];
  const migrated = migrate({ name, annotations: {}, data: backup.data }, next.data, NOW);
  expect(migrated).toEqual({ backup, next });
  expect(migrate(next, next.data, NOW)).toBeUndefined();
});

test("the reference values are converted in place, as by Red Hat's operator 1.2", () => {
  const name = "trusteeconfig-rvps-reference-values";
  const [backup, next] = [recorded(`${name}.v1.1`), recorded(name)];
  expect(migrate({ name, annotations: {}, data: backup.data }, undefined, NOW)).toEqual({ backup, next });
});

test("the sandbox's Red Hat 1.2 has the ConfigMaps of a fresh installation, with annotations and keys", async () => {
  const fresh = configMapsIn("installed-fresh.json");
  const ours = await configMaps({ generation: "0.21", operator: "red-hat", fresh: true }, []);
  const shape = (annotations: object, data: object) => [Object.entries(annotations), Object.keys(data)];
  const theirs = [...fresh].filter(([name]) => name !== "kube-root-ca.crt" && !name.endsWith(".v1.1"));
  const sorted = (all: readonly (readonly [string, unknown])[]) =>
    Object.fromEntries([...all].sort(([a], [b]) => (a < b ? -1 : 1)));
  expect(
    sorted(
      ours.map(({ metadata, ...rest }) => [
        metadata.name,
        shape(metadata.annotations ?? {}, rest["data"] as object),
      ]),
    ),
  ).toEqual(sorted(theirs.map(([name, { annotations, data }]) => [name, shape(annotations, data)])));
});
