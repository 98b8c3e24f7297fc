import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startSandbox, upgradeSandbox, type Sandbox } from "../../sandbox/api.ts";
import { convertedReferenceValues } from "../../sandbox/trustee/manifests/reference-values.ts";
import { cells, podUids, sharedData, tutorialCells, type SharedData } from "./support/cluster.ts";
import { devConfiguration, Project } from "./support/project.ts";
import { Stranger } from "./support/stranger.ts";

const POLICY = "trusteeconfig-resource-policy";
const VALUES = "trusteeconfig-rvps-reference-values";

/**
 * The two documents under the new keys after the administrator's part of the upgrade: see docs/upgrade.md.
 */
const documents = [
  {
    configMaps: "converted",
    left: (policy: string, values: string) => ({ policy, values: convertedReferenceValues(values) }),
    lost: "",
  },
  {
    configMaps: "stock",
    // The sandbox has the stock policy, but not the stock reference values.
    left: (policy: string) => ({ policy, values: "{\n}\n" }),
    lost: "; the policy has lost the grants of organization/trustee-access/upgrade (restricts fraud-dataset, p2-secret; there is no backup of its line)",
  },
] as const;

describe.each(documents)(
  "an upgrade of Trustee from 0.18 to 0.21 under a running stack, with $configMaps documents,",
  ({ configMaps: become, left, lost }) => {
    let sandbox: Sandbox;
    let project: Project;
    let before: SharedData;
    let stranger: Stranger;

    beforeAll(async () => {
      sandbox = await startSandbox({ name: `e2e-upgrade-${become}` });
      stranger = await Stranger.start(sandbox, ["p2-secret/secret"]);
      before = await sharedData(sandbox);
      project = new Project(sandbox, "upgrade");
      await project.init(devConfiguration());
      await project.up();
      // With the stock policy nothing restricts our secrets until the next up.
      if (become === "converted") stranger.watch();
      await upgradeSandbox(sandbox.name, become);
    }, 1_800_000);
    afterAll(async () => {
      await stranger.stop();
      await project.dispose();
      await sandbox.stop();
    });

    it("is reported by the next preview, with other initdata for every pod", async () => {
      const { exitCode, stdout } = await project.preview("--expect-no-changes");
      expect({ failed: exitCode !== 0 }).toEqual({ failed: true });
      const diagnostics = stdout.slice(stdout.indexOf("Diagnostics:"));
      for (const [kind, name, now, then, more] of [
        ["ResourcePolicy", "resource-policy", "resource-policy.rego", "policy.rego", lost],
        ["ReferenceValues", "reference-values", "reference_value", "reference-values.json", ""],
      ]) {
        expect(diagnostics).toContain(
          `  trustee:index:${kind} (${name}):\n    drift: Trustee now reads the key ${now} instead of ${then}${more}\n`,
        );
      }
      for (const pod of ["pod1", "pod2", "pod3"]) {
        expect(stdout).toMatch(new RegExp(`\\+-\\s+kubernetes:core/v1:Pod ${pod} replace`));
      }
    });

    it("is completed by the next up, with the right nine cells and no changes after", async () => {
      const uids = await podUids(sandbox);
      await project.up();
      expect(await cells(sandbox)).toEqual(tutorialCells);
      const now = await podUids(sandbox);
      expect(Object.keys(now)).toEqual(Object.keys(uids));
      expect(Object.values(uids).filter((uid) => Object.values(now).includes(uid))).toEqual([]);
      await project.expectNoChanges();
      if (become === "converted") {
        await stranger.stop();
        stranger.expectNothingRead("upgrade, and the next up");
      }
    });

    it("keeps the administrator's content after destroy, without the stack's entries", async () => {
      await stranger.during(async () => project.destroy());
      // With the stock reference values it no longer attests.
      if (become === "converted") stranger.expectNothingRead("destroy after an upgrade");
      const { configMaps, kbsConfig, secrets } = await sharedData(sandbox);
      const data = (name: string): Readonly<Record<string, string>> => before.configMaps[name]?.data ?? {};
      const { policy, values } = left(
        data(POLICY)["policy.rego"] ?? "",
        data(VALUES)["reference-values.json"] ?? "",
      );
      expect(configMaps[POLICY]?.data).toEqual({ "resource-policy.rego": policy });
      expect(configMaps[VALUES]?.data).toEqual({ reference_value: values });
      expect(kbsConfig["kbsSecretResources"]).toEqual(before.kbsConfig["kbsSecretResources"]);
      expect(Object.keys(secrets).sort()).toEqual(
        [...Object.keys(before.secrets), "attestation-status"].sort(),
      );
      expect(await podUids(sandbox)).toEqual({});
    });
  },
);
