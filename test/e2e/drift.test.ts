import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { generationFacts, generations } from "../../core/trustee/generation.ts";
import type { Sandbox } from "../../sandbox/api.ts";
import {
  cells,
  configMapKey,
  curl,
  editReferenceValues,
  replaceKbsPods,
  sharedData,
  tutorialCells,
} from "./support/cluster.ts";
import { MADE_ENTRY, noDrifts, POLICY, rounds, type Context, type Served } from "./support/drift-cases.ts";
import { devConfiguration, Project } from "./support/project.ts";
import { takeSandbox } from "./support/shared-sandbox.ts";

const VALUES = "trusteeconfig-rvps-reference-values";

/** What Trustee serves: the tutorial's nine cells, and the value that pod2 reads. */
async function served(sandbox: Sandbox): Promise<Served> {
  return { cells: await cells(sandbox), secret: await curl(sandbox, "pod2", "p2-secret/secret") };
}

const asDeclared: Served = { cells: tutorialCells, secret: "Pod 2 secret!" };

describe.each(generations)("a stack that others change behind Pulumi's back, on Trustee %s", (trustee) => {
  let sandbox: Sandbox;
  let project: Project;

  beforeAll(async () => {
    sandbox = await takeSandbox(trustee);
    project = new Project(sandbox, "drift");
    await project.init({
      ...devConfiguration(),
      referenceValues: { entries: { "azure-vtpm": ["snp_pcr08", "tdx_pcr08", MADE_ENTRY] } },
    });
    await project.up();
  }, 1_800_000);
  afterAll(async () => {
    await project.dispose();
    await sandbox.stop();
  });

  async function context(): Promise<Context> {
    return { sandbox, trustee, initData: (await project.outputs())["initData"] as Context["initData"] };
  }

  test.each(rounds.map((round) => ({ round, what: round.map(({ what }) => what).join("; ") })))(
    "shows each drift in a preview, and has no changes after up: $what",
    async ({ round }) => {
      const made = await context();
      for (const { make } of round) await make(made);
      if (round.some(({ served }) => served !== undefined)) {
        await replaceKbsPods(sandbox);
        const after = await served(sandbox);
        for (const { served: part } of round)
          if (part !== undefined) expect(after[part]).not.toEqual(asDeclared[part]);
      }
      const preview = await project.preview("--expect-no-changes");
      expect({ failed: preview.exitCode !== 0 }).toEqual({ failed: true });
      for (const { shows } of round) expect(preview.stdout).toMatch(shows);
      await project.up();
      await project.expectNoChanges();
      expect(await served(sandbox)).toEqual(asDeclared);
    },
  );

  test(`has no changes with ${noDrifts.map(({ what }) => what).join("; ")}`, async () => {
    const made = await context();
    for (const { make } of noDrifts) await make(made);
    await project.expectNoChanges();
  });

  test("reports a foreign expired entry with our digest, and keeps it", async () => {
    const expire = async (expiration: string): Promise<void> =>
      editReferenceValues(sandbox, trustee, "snp_pcr08", (entry) => ({ ...entry, expiration }));
    await expire("2020-01-01T00:00:00Z");
    const { exitCode, stdout } = await project.preview("--expect-no-changes");
    expect({ exitCode, printed: exitCode === 0 ? "" : stdout }).toEqual({ exitCode: 0, printed: "" });
    expect(stdout).toContain(
      `The reference value "snp_pcr08" in ConfigMap "${VALUES}" has expired (2020-01-01T00:00:00Z). ` +
        "It still matches: Trustee ignores the expiration. This stack did not create it, so it does not renew it",
    );
    await expire("2099-01-01T00:00:00Z");
  });

  test("keeps in destroy what another client has added, and removes its own entries", async () => {
    const { initData } = await context();
    await project.destroy();
    const { configMaps, kbsConfig } = await sharedData(sandbox);
    expect(kbsConfig["kbsSecretResources"]).toContain("theirs");
    expect(kbsConfig["kbsSecretResources"]).not.toContain("p2-secret");
    expect(configMaps[POLICY]?.data?.["notes.txt"]).toBe("not ours\n");
    const text = await configMapKey(sandbox, VALUES, generationFacts[trustee].referenceValuesKey);
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
