import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { generationFacts, generations, type Generation } from "../../core/trustee/generation.ts";
import type { Sandbox } from "../../sandbox/api.ts";
import { paddedBase64url } from "../support/base64url.ts";
import { configMapKey, patchKey, podUids, readable, sharedData, sharedMarks } from "./support/cluster.ts";
import { field, patch, read } from "./support/objects.ts";
import { devConfiguration, Project, type Configuration } from "./support/project.ts";
import { valuesOf } from "./support/second-writer.ts";
import { takeSandbox } from "./support/shared-sandbox.ts";

const VALUES = "trusteeconfig-rvps-reference-values";
const THEIRS = "b".repeat(64);
const EXPIRED = "2020-01-01T00:00:00Z";
const VALID = "2036-01-01T00:00:00Z";

function encode(value: unknown): string {
  return paddedBase64url(JSON.stringify(value));
}

/** Without an image policy: after the list is emptied, its secret is not registered. */
function configuration(): Configuration {
  const dev = devConfiguration();
  return { ...dev, podDefaults: { ...(dev["podDefaults"] as Configuration), imagePolicy: false } };
}

interface Contents {
  readonly what: string;
  /** The existing reference values; `null`: the key is missing. */
  readonly values: string | null;
  /** The number of entries `snp_pcr08` after `up`. */
  readonly entries: number;
  /**
   * Trustee mounts this key as a file: after the restore no KBS starts. `destroy` reports it, and does not
   * wait.
   */
  readonly startsNoKbs?: true;
}

const contents: Readonly<Record<Generation, readonly Contents[]>> = {
  "0.18": [
    { what: "no key of the reference values, the ConfigMap without data", values: null, entries: 1 },
    {
      what: "a doubled entry, one of them expired, a lone string for a list, a number, unknown fields, tabs and CRLF",
      values:
        `[\r\n\t{ "value": "${THEIRS}", "name":"snp_pcr08", "note": {"by": "other team"},\t"expiration": "${EXPIRED}" },\r\n` +
        `\t{"name": "svn", "expiration": "${EXPIRED}", "value": [3], "x": null},\r\n` +
        `\t{"name": "major_version", "expiration": "${VALID}", "value": 1},\r\n` +
        `\t{"name":"snp_pcr08","value":["${THEIRS}"],"expiration":"${VALID}"}\r\n]\r\n`,
      entries: 2,
    },
  ],
  "0.21": [
    {
      what: "no key of the reference values, the ConfigMap without data",
      values: null,
      entries: 1,
      startsNoKbs: true,
    },
    { what: "an empty map, as it is installed", values: "{\n}\n", entries: 1 },
    {
      what: "a lone string for a list, values that are no lists, unknown fields, an expired entry, all in one line",
      values: `{"smt":"${encode({ name: "smt", expiration: VALID, value: true })}","unread":"!!","svn":"${encode({ name: "svn", expiration: EXPIRED, value: [3], x: null })}","snp_pcr08":"${encode(
        {
          value: THEIRS,
          version: "0.1.0",
          note: { by: "other team" },
          name: "snp_pcr08",
          expiration: VALID,
        },
      )}"}`,
      entries: 1,
    },
  ],
};

/** Content that Trustee cannot read either, and the expected message. */
const unreadable: Readonly<Record<Generation, readonly (readonly [string, string])[]>> = {
  "0.18": [
    ["[{", "it is not JSON"],
    ['{"a": "e30="}', "it holds an object, as the other generation of Trustee does"],
  ],
  "0.21": [
    ['{"a": ', "it is not JSON"],
    ['[{"name": "a"}]', "it holds a list, as the other generation of Trustee does"],
    ['{"snp_pcr08": "not base64 of JSON"}', "snp_pcr08"],
  ],
};

const KBS_CONFIG = "trusteeconfig-kbs-config";
/** The shared objects. */
const SHARED = [
  ["ConfigMap", "trusteeconfig-resource-policy"],
  ["ConfigMap", VALUES],
  ["KbsConfig", KBS_CONFIG],
] as const;

describe.each(generations)("unusual contents of shared objects, on Trustee %s", (trustee) => {
  const { referenceValuesKey: key } = generationFacts[trustee];
  let sandbox: Sandbox;
  let project: Project;

  beforeAll(async () => {
    sandbox = await takeSandbox(trustee);
    project = new Project(sandbox, "odd");
    await project.init(configuration());
    const team = { team: "other" };
    for (const [kind, name] of SHARED)
      await patch(sandbox, kind, name, { metadata: { labels: team, annotations: team } });
  }, 1_800_000);
  afterAll(async () => {
    await project.dispose();
    await sandbox.stop();
  });

  /** Removes the list. The operator creates it again, with its sample secret only. */
  async function removeList(): Promise<void> {
    await patch(sandbox, "KbsConfig", KBS_CONFIG, { spec: { kbsSecretResources: null } });
    const list = async (): Promise<string> =>
      field(await read(sandbox, "KbsConfig", KBS_CONFIG), "spec", "kbsSecretResources");
    await expect.poll(list, { timeout: 30_000 }).toMatch(/^\["[^,]+"\]$/);
  }

  /** The shared objects that have both an annotation of ours and the other team's label and annotation. */
  async function ours(): Promise<readonly unknown[]> {
    const marks = await sharedMarks(sandbox);
    return SHARED.filter(([kind, name]) => {
      const { labels, annotations } = marks[`${kind}/${name}`] ?? { labels: {}, annotations: {} };
      const isOurs = Object.keys(annotations).some((name) => name.startsWith("trustee-access/"));
      return isOurs && labels["team"] === "other" && annotations["team"] === "other";
    });
  }

  it.each(contents[trustee])(
    "are kept by up and restored by destroy, also without the list: $what",
    async ({ values, entries, startsNoKbs }) => {
      await removeList();
      await patchKey(sandbox, VALUES, key, values);
      const before = await sharedData(sandbox);
      const marks = await sharedMarks(sandbox);
      await project.up();
      // The policy has no annotation of ours: our record is in its text.
      expect(await ours()).toEqual(SHARED.slice(1));
      expect(await readable(sandbox, "pod2", "p2-secret/secret")).toBe(true);
      expect(await readable(sandbox, "pod1", "fraud-dataset/dataset_key")).toBe(true);
      expect(await readable(sandbox, "pod3", "p2-secret/secret")).toBe(false);
      const digests = Object.values((await project.outputs())["initData"] as Record<string, string>).sort();
      const live = valuesOf(trustee, await configMapKey(sandbox, VALUES, key), "snp_pcr08");
      expect(live.filter((digest) => digest !== THEIRS).sort()).toEqual(
        digests.flatMap((digest) => Array<string>(entries).fill(digest)),
      );
      await project.expectNoChanges();
      const printed = await project.destroy();
      expect(
        printed.includes(`ConfigMap "${VALUES}" has no key "${key}", which the KBS mounts as a file`),
      ).toBe(startsNoKbs === true);
      expect(await sharedData(sandbox)).toEqual(before);
      expect(await sharedMarks(sandbox)).toEqual(marks);
      expect(await podUids(sandbox)).toEqual({});
    },
  );

  it.each(unreadable[trustee])(
    "are refused, with nothing written, if the reference values are %s",
    async (text, problem) => {
      const original = await configMapKey(sandbox, VALUES, key);
      await patchKey(sandbox, VALUES, key, text);
      const [before, marks] = [await sharedData(sandbox), await sharedMarks(sandbox)];
      const up = ["up", "--yes", "--skip-preview", "--stack", project.stack];
      const { exitCode, stdout, stderr } = await project.pulumi(...up);
      expect({ failed: exitCode !== 0 }).toEqual({ failed: true });
      expect(stdout + stderr).toContain(`The reference values under the key "${key}" cannot be read: `);
      expect(stdout + stderr).toContain(problem);
      expect(await sharedData(sandbox)).toEqual(before);
      expect(await sharedMarks(sandbox)).toEqual(marks);
      expect(await podUids(sandbox)).toEqual({});
      await patchKey(sandbox, VALUES, key, original === "" ? null : original);
    },
  );
});
