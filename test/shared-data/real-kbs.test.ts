import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { beforeAll, describe, expect, test } from "vitest";
import { toolPath } from "../support/tools.ts";
import { comparable, notCompared, recording } from "./real-kbs/recording.ts";
import { scenarios } from "./real-kbs/scenarios.ts";
import { Stage } from "./real-kbs/stage.ts";
import { sharedFolder } from "../support/folders.ts";

const versions = ["v0.16", "v0.18", "v0.21"] as const;
const recordings = new Map(versions.map((version) => [version, recording(version)]));

const folder = sharedFolder();
let opa = "";
beforeAll(async () => {
  opa = await toolPath("opa");
}, 1_200_000);

/** The digests of snp_pcr08 after this project had written its own, by version. */
function digestsIn(text: string): readonly string[] | undefined {
  const [, json] = /^GET reference-value\/snp_pcr08: 200 (.*)$/m.exec(text) ?? [];
  return json === undefined ? undefined : (JSON.parse(json) as readonly string[]);
}

describe.each(versions)("the sandbox's KBS against the real %s", (version) => {
  test.each([...(recordings.get(version) ?? [])])("%s", async (name, recorded) => {
    const scenario = scenarios[name];
    if (scenario === undefined) throw new Error(`the recording "${name}" has no scenario`);
    const logFile = join(folder, `${version}.log`);
    const { text, log } = await Stage.play(version, scenario, { opa, logFile, digests: digestsIn(recorded) });
    expect(comparable(text)).toBe(comparable(recorded));
    // The recordings have no colours. v0.18 and v0.21 always write them.
    const heads = log.filter((line) => line.includes("kbs::"));
    const coloured = heads.filter((line) => stripVTControlCharacters(line) !== line);
    expect(coloured).toEqual(version === "v0.16" ? [] : heads);
  });
});

test("every scenario has a recording", () => {
  const recorded = new Set([...recordings.values()].flatMap((sections) => [...sections.keys()]));
  expect(Object.keys(scenarios).filter((name) => !recorded.has(name))).toEqual([]);
});

test("every exception from the comparison occurs in a recording", () => {
  const lines = [...recordings.values()].flatMap((sections) =>
    [...sections.values()].flatMap((text) => text.split("\n")),
  );
  const unused = Object.keys(notCompared).filter((start) => !lines.some((line) => line.startsWith(start)));
  expect(unused).toEqual([]);
});
