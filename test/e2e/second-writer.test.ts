import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { generationFacts, generations } from "../../core/trustee/generation.ts";
import type { Sandbox } from "../../sandbox/api.ts";
import { cells, configMapKey, sharedData, tutorialCells, type SharedData } from "./support/cluster.ts";
import { createSecret, read } from "./support/objects.ts";
import { devConfiguration, Project } from "./support/project.ts";
import { SecondWriter, valuesOf } from "./support/second-writer.ts";
import { takeSandbox } from "./support/shared-sandbox.ts";

const POLICY = "trusteeconfig-resource-policy";
const VALUES = "trusteeconfig-rvps-reference-values";

describe.each(generations)(
  "another client that writes to the same objects all the time, on Trustee %s",
  (trustee) => {
    const { policyKey, referenceValuesKey: key } = generationFacts[trustee];
    let sandbox: Sandbox;
    let project: Project;
    let before: SharedData;
    let writer: SecondWriter;

    beforeAll(async () => {
      sandbox = await takeSandbox(trustee);
      await createSecret(sandbox, "theirs");
      before = await sharedData(sandbox);
      project = new Project(sandbox, "writer");
      await project.init(devConfiguration());
      writer = new SecondWriter(sandbox);
    }, 1_800_000);
    afterAll(async () => {
      await writer.stop();
      await project.dispose();
      await sandbox.stop();
    });

    /**
     * Runs a command while the second writer writes, until our own write is there: 0.21's operator rolls out
     * each write.
     */
    async function disturbed(
      command: () => Promise<unknown>,
      written: (data: SharedData) => boolean,
    ): Promise<void> {
      writer.start();
      const done = command();
      const stopped = expect
        .poll(async () => written(await sharedData(sandbox)), { timeout: 120_000, interval: 500 })
        .toBe(true)
        .finally(async () => writer.stop());
      await Promise.all([done, stopped]);
    }

    const list = (data: SharedData): readonly string[] =>
      data.kbsConfig["kbsSecretResources"] as readonly string[];
    const prior = (name: string): readonly string[] =>
      valuesOf(trustee, before.configMaps[VALUES]?.data?.[key] ?? "", name);
    const live = async (name: string): Promise<readonly string[]> =>
      valuesOf(trustee, await configMapKey(sandbox, VALUES, key), name);

    const holdsGrants = ({ configMaps }: SharedData): boolean =>
      configMaps[POLICY]?.data?.[policyKey]?.includes("# trustee-access: stack ") ?? false;
    const holdsDigests = ({ configMaps }: SharedData): boolean =>
      ["snp_pcr08", "tdx_pcr08"].every((name) =>
        valuesOf(trustee, configMaps[VALUES]?.data?.[key] ?? "", name).some(
          (digest) => !prior(name).includes(digest) && !/^0{40}/.test(digest),
        ),
      );

    /** Expects the last write of the other client. */
    async function expectTheirs(): Promise<void> {
      const data = await sharedData(sandbox);
      const written = async (kind: "ConfigMap" | "KbsConfig", name: string): Promise<string | undefined> =>
        (await read(sandbox, kind, name)).metadata.annotations?.["other-team/writes"];
      for (const [name, count] of [
        [POLICY, writer.writes.policy],
        [VALUES, writer.writes.values],
      ] as const) {
        expect(data.configMaps[name]?.data?.["theirs.txt"]).toBe(String(count));
        expect(await written("ConfigMap", name)).toBe(String(count));
      }
      expect(await written("KbsConfig", "trusteeconfig-kbs-config")).toBe(String(writer.writes.kbsConfig));
    }

    it("keeps its content during up, and the stack keeps its own", async () => {
      await disturbed(
        async () => project.up(),
        (data) => list(data).includes("p2-secret") && holdsGrants(data) && holdsDigests(data),
      );
      await expectTheirs();
      const ours = Object.values((await project.outputs())["initData"] as Record<string, string>).sort();
      const digests = await live("snp_pcr08");
      expect(digests.filter((one) => !ours.includes(one))).toEqual([
        ...prior("snp_pcr08"),
        ...writer.digests,
      ]);
      expect(digests.filter((one) => ours.includes(one)).sort()).toEqual(ours);
      expect([...list(await sharedData(sandbox))].sort()).toEqual(
        [...list(before), "p2-secret", "theirs"].sort(),
      );
      expect(await cells(sandbox)).toEqual(tutorialCells);
      await project.expectNoChanges();
    });

    it("keeps its content during destroy, beside the original content", async () => {
      await disturbed(
        async () => project.destroy(),
        (data) => !list(data).includes("p2-secret"),
      );
      await expectTheirs();
      const { configMaps, kbsConfig, secrets } = await sharedData(sandbox);
      const policy = before.configMaps[POLICY]?.data ?? {};
      expect(configMaps[POLICY]?.data).toEqual({ ...policy, "theirs.txt": String(writer.writes.policy) });
      expect(await live("snp_pcr08")).toEqual([...prior("snp_pcr08"), ...writer.digests]);
      expect(await live("tdx_pcr08")).toEqual(prior("tdx_pcr08"));
      expect({ ...kbsConfig, kbsSecretResources: [] }).toEqual({
        ...before.kbsConfig,
        kbsSecretResources: [],
      });
      expect(kbsConfig["kbsSecretResources"]).toEqual([...list(before), "theirs"]);
      expect(secrets).toEqual(before.secrets);
      expect(configMaps[VALUES]?.data?.["theirs.txt"]).toBe(String(writer.writes.values));
      // The count depends on the machine. This proves only that the writes did not stop.
      expect(writer.digests.length).toBeGreaterThan(10);
      expect(Object.values(writer.writes).every((count) => count > 20)).toBe(true);
    });
  },
);
