import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { z } from "zod";
import { migrate } from "../../sandbox/trustee/standin/migration.ts";

const recording = join(
  import.meta.dirname,
  "../../../shared/data/redhat-operator-v1.2.1/after-update-from-1.1.json",
);

const schema = z.object({
  items: z.array(
    z.object({
      kind: z.string(),
      metadata: z.object({ name: z.string(), annotations: z.record(z.string(), z.string()).default({}) }),
      data: z.record(z.string(), z.string()).default({}),
    }),
  ),
});

const real = new Map(
  schema
    .parse(JSON.parse(readFileSync(recording, "utf8")))
    .items.filter(({ kind }) => kind === "ConfigMap")
    .map(({ metadata, data }) => [metadata.name, { ...metadata, data }]),
);

function recorded(name: string) {
  const found = real.get(name);
  if (found === undefined) throw new Error(`the recording has no ConfigMap ${name}`);
  return found;
}

/** By the timestamp in the recording. */
const NOW = new Date("2026-11-28T09:45:38Z");

test.each([
  "trusteeconfig-resource-policy",
  "trusteeconfig-attestation-policy-cpu",
  "trusteeconfig-attestation-policy-gpu",
  "trusteeconfig-kbs-config",
])("%s is copied and put back to the stock one, as Red Hat's operator 1.2 does it", (name) => {
  const [backup, next] = [recorded(`${name}.v1.1`), recorded(name)];
  const migrated = migrate({ name, annotations: {}, data: backup.data }, next.data, NOW);
  expect(migrated).toEqual({ backup, next });
  expect(migrate(next, next.data, NOW)).toBeUndefined();
});

test("the reference values are converted in place, as Red Hat's operator 1.2 does it", () => {
  const name = "trusteeconfig-rvps-reference-values";
  const [backup, next] = [recorded(`${name}.v1.1`), recorded(name)];
  expect(migrate({ name, annotations: {}, data: backup.data }, undefined, NOW)).toEqual({ backup, next });
});
