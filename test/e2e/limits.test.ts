import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { generationFacts, generations } from "../../core/trustee/generation.ts";
import type { Sandbox } from "../../sandbox/api.ts";
import { configMapKey, sharedData } from "./support/cluster.ts";
import { read } from "./support/objects.ts";
import { devConfiguration, Project } from "./support/project.ts";
import { takeSandbox } from "./support/shared-sandbox.ts";

/** Text that gzip compresses by a quarter only. */
function noise(bytes: number): string {
  const digests = Array.from({ length: bytes / 80 }, (_, index) =>
    createHash("sha512").update(String(index)).digest("base64"),
  );
  return digests.join("");
}

describe.each(generations)("a preview at the limits, on Trustee %s", (trustee) => {
  const facts = generationFacts[trustee];
  let sandbox: Sandbox;
  let project: Project;
  let before: unknown;

  beforeAll(async () => {
    sandbox = await takeSandbox(trustee);
    before = await sharedData(sandbox);
    project = new Project(sandbox, "limits");
    await project.init(devConfiguration());
  }, 1_800_000);
  afterAll(async () => {
    await project.dispose();
    await sandbox.stop();
  });

  it("reports everything that would fail in the cloud and in the guests", async () => {
    project.configure({
      ...devConfiguration(),
      otherSecrets: "deny",
      pods: [
        { name: "pod1", claims: { note: noise(80_000) } },
        { name: "pod2", imagePolicy: "nobody/registered-it" },
        { name: "pod3", imagePolicy: false },
      ],
    });
    const { exitCode, stdout, stderr } = await project.preview();
    expect(exitCode).not.toBe(0);
    const printed = stdout + stderr;
    expect(printed).toContain("3 problems in the settings of stack limits; nothing was changed.");
    expect(printed).toMatch(
      /- TA911 pods\[0\]: user data of pod1 on azure: 1\d\d,\d{3} of 65,536 bytes \(1\d\d %\)/,
    );
    expect(printed).toContain(
      '- TA705 pods[0].imagePolicy: "trustee-image-policy/policy", which the resource policy would deny to pod1',
    );
    expect(printed).toContain(
      '- TA705 pods[1].imagePolicy: "nobody/registered-it", whose secret is not registered',
    );
    expect(await sharedData(sandbox)).toEqual(before);
  });

  it("reports how full Trustee's ConfigMaps will be", async () => {
    project.configure(devConfiguration());
    const stdout = await project.previewOutputs();
    await project.up();
    type Budget = Record<"resourcePolicy" | "referenceValues" | "referenceValuesLedger", { used: number }>;
    const budget = (await project.outputs())["budget"] as Budget;
    for (const { used } of Object.values(budget)) expect(stdout).toMatch(new RegExp(`used *: ${used}\\n`));
    const bytes = async (map: string, key: string): Promise<number> =>
      Buffer.byteLength(await configMapKey(sandbox, map, key));
    expect({
      policy: budget.resourcePolicy.used,
      values: budget.referenceValues.used,
    }).toEqual({
      policy: await bytes("trusteeconfig-resource-policy", facts.policyKey),
      values: await bytes("trusteeconfig-rvps-reference-values", facts.referenceValuesKey),
    });
    const { metadata } = await read(sandbox, "ConfigMap", "trusteeconfig-rvps-reference-values");
    const ledger = metadata.annotations?.["trustee-access/reference-values"] ?? "";
    expect(budget.referenceValuesLedger.used / Buffer.byteLength(ledger)).toBeGreaterThan(0.9);
    expect(budget.referenceValuesLedger.used / Buffer.byteLength(ledger)).toBeLessThan(1.2);
  });
});
