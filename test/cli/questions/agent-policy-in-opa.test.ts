import { readFileSync } from "node:fs";
import TOML from "@iarna/toml";
import { beforeAll, describe, expect, it } from "vitest";
import { checkAgentPolicy, declaredCommands, type AgentResult } from "../../../cli/check/agent-policy.ts";
import type { DeclaredAgent } from "../../../cli/questions/agent-requests.ts";
import { curlCommand, renderAgentPolicy, type AgentPolicy } from "../../../core/initdata/agent-policy.ts";
import { refusedAtStart, startRequests } from "../../../core/preflight/agent-policy-start.ts";
import { toolPath } from "../../support/tools.ts";

let opa = "";
beforeAll(async () => {
  opa = await toolPath("opa");
}, 1_200_000);

const tutorial: Required<AgentPolicy> = {
  logs: true,
  allowedCommands: [curlCommand("fraud-dataset", "dataset_key"), curlCommand("p2-secret", "secret")],
  requests: {},
};

async function check(text: string, declared: DeclaredAgent): Promise<AgentResult> {
  return checkAgentPolicy("pod1", { opa, text, syntax: "v0" }, declared);
}

describe("the agent policy in OPA", () => {
  it.each<[string, Required<AgentPolicy>]>([
    ["the tutorial's", tutorial],
    ["without logs and exec", { logs: false, allowedCommands: [], requests: {} }],
    ["with other requests", { ...tutorial, requests: { CopyFileRequest: false, WriteStreamRequest: true } }],
    ["with a command of one word", { ...tutorial, allowedCommands: ["id"] }],
  ])("allows what is declared and refuses near misses: %s", async (_, declared) => {
    expect((await check(renderAgentPolicy(declared), declared)).wrong).toEqual([]);
  });

  it("is tested with every kind of near miss", async () => {
    const { requests, allowed } = await check(renderAgentPolicy(tutorial), tutorial);
    expect({ requests, allowed }).toMatchInlineSnapshot(`
      {
        "allowed": 35,
        "requests": 110,
      }
    `);
  });

  it("is tested with its own commands if it is a user's file, like the tutorial's", async () => {
    const toml = readFileSync(new URL("../../fixtures/tutorial-initdata-pod1.toml", import.meta.url), "utf8");
    const { data } = TOML.parse(toml) as unknown as { readonly data: Readonly<Record<string, string>> };
    const text = data["policy.rego"] ?? "";
    const declared = await declaredCommands({ opa, text, syntax: "v0" });
    expect(declared.allowedCommands).toEqual([
      "curl -s http://127.0.0.1:8006/cdh/resource/default/fraud-dataset/dataset_key",
      "curl -s http://127.0.0.1:8006/cdh/resource/default/p2-secret/secret",
      "curl -s http://127.0.0.1:8006/cdh/resource/default/kbsres1/key1",
    ]);
    expect((await check(text, declared)).wrong).toEqual([]);
  });
});

describe("an agent policy that refuses what a guest needs to start", () => {
  const wrong = async (text: string, declared: DeclaredAgent): Promise<readonly string[]> => {
    const result = await check(text, { ...declared, needed: refusedAtStart(text) });
    return result.wrong.map(({ what, allowed }) => `${what} is ${allowed ? "denied" : "allowed"}`);
  };
  const denied = (request: string): string => `${request}, which a guest needs to start, is denied`;

  it("is wrong, even if that is declared", async () => {
    const declared = { ...tutorial, requests: { CreateContainerRequest: false } };
    expect(await wrong(renderAgentPolicy(declared), declared)).toEqual([denied("CreateContainerRequest")]);
  });

  it.each([
    ["too little", "package agent_policy\ndefault ExecProcessRequest := false\n"],
    ["another package", "package policy\ndefault CreateContainerRequest := true\n"],
  ])("is wrong in a user's file too: %s", async (_, text) => {
    expect(await wrong(text, { allowedCommands: [] })).toEqual(startRequests.map(denied));
  });

  it("is not reported if it decides by each request's content", async () => {
    const rules = startRequests.map((request) => `default ${request} := false\n${request} { input.x }`);
    expect(await wrong(`package agent_policy\n${rules.join("\n")}\n`, { allowedCommands: [] })).toEqual([]);
  });
});

/** The text with one change each, and the changes. */
function mutants(text: string): readonly (readonly [string, string])[] {
  const lines = text.split("\n");
  const changed = lines.flatMap((line, index) => {
    const write = (other: string): readonly [string, string] => [
      `${line.trim()} -> ${other.trim()}`,
      lines.with(index, other).join("\n"),
    ];
    if (line.startsWith("default ")) {
      return [write(line.endsWith("true") ? line.replace("true", "false") : line.replace("false", "true"))];
    }
    if (line.includes("input.process.Args ==")) {
      return [
        write(""),
        write(line.replace("==", "!=")),
        write('  concat(" ", input.process.Args) == allowed_command'),
        write('  startswith(concat(" ", input.process.Args), allowed_command)'),
        write('  trim_space(concat(" ", input.process.Args)) == allowed_command'),
        write('  contains(concat(" ", input.process.Args), allowed_command)'),
        write('  lower(input.process.Args[0]) == split(allowed_command, " ")[0]'),
        write('  array.slice(input.process.Args, 0, 3) == split(allowed_command, " ")'),
        write('  input.process.Args[2] == split(allowed_command, " ")[2]'),
      ];
    }
    if (line.includes("curl -s")) {
      return [
        write(line.replace("8006", "8007")),
        write(line.replace("127.0.0.1", "10.0.0.1")),
        write(line.replace("curl -s ", "curl ")),
        write(line.replace(/"(.*)"/, '"$1 --verbose"')),
      ];
    }
    return [];
  });
  return changed;
}

it("what trustee-access check asks distinguishes every mutant of the agent policy", async () => {
  const all = mutants(renderAgentPolicy(tutorial));
  const alive: string[] = [];
  for (const [change, text] of all) {
    const { wrong, noPolicy } = await check(text, tutorial);
    if (wrong.length === 0 && noPolicy === undefined) alive.push(change);
  }
  expect(alive).toEqual([]);
  expect(all).toHaveLength(53);
}, 120_000);
