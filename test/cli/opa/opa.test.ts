import { readFile, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import type { PolicyData } from "../../../core/access/model.ts";
import type { PolicyAnswer, RegoSyntax } from "../../../cli/audit/facts.ts";
import type { AccessRequest } from "../../../cli/questions/requests.ts";
import { askEach } from "../../../cli/opa/batch.ts";
import { findOpa } from "../../../cli/opa/opa.ts";
import { evaluate } from "../../../sandbox/trustee/standin/rego.ts";
import { toolPath } from "../../support/tools.ts";
import { temporaryFolder } from "../../support/folders.ts";

let opa = "";
beforeAll(async () => {
  opa = await toolPath("opa");
}, 1_800_000);

/** The policy's answers. @param requests by default one without a path and with an empty token */
async function ask(
  text: string,
  syntax: RegoSyntax,
  requests: readonly AccessRequest[] = [{ data: {}, token: {} }],
): Promise<readonly PolicyAnswer[]> {
  return askEach({ opa, text, syntax }, requests);
}

/** Opens paths that it cannot read, unless the engine ends the evaluation at the first error. */
const TUTORIAL_STYLE = `package policy
default allow = false
path := split(data["resource-path"], "/")
is_mine { path[2] == "mine" }
allow { is_mine; input.who == "me" }
allow { not is_mine; input.who }
`;

const SPLIT = "split: operand 1 must be string but got ";

describe("a policy in OPA", () => {
  it("answers every request, of any shape, in order", async () => {
    const paths: readonly PolicyData[] = [
      { "resource-path": "resource/default/mine/key" },
      { "resource-path": "resource/default/other/key" },
      { "resource-path": ["default", "mine", "key"], plugin: "resource" },
      { "resource-path": 7 },
      { "resource-path": null },
      {},
      { plugin: "resource" },
    ];
    const requests = paths.flatMap((data) => [
      { data, token: { who: "me" } },
      { data, token: { who: "you" } },
      { data, token: {} },
    ]);
    // Without a request, OPA never calls the builtin.
    const failed = (type: string): unknown => ({ failed: "evaluation", message: `${SPLIT}${type}` });
    expect(await ask(TUTORIAL_STYLE, "v0", requests)).toEqual([
      ...[true, false, false],
      ...[true, true, false],
      ...[failed("array"), failed("array"), false],
      ...[failed("number"), failed("number"), false],
      ...[failed("null"), failed("null"), false],
      ...[true, true, false],
      ...[true, true, false],
    ]);
  });

  it("is distinguished from the requests whose evaluation fails", async () => {
    const policy = `package policy
import rego.v1
default allow := false
allow if split(input.who, "/")[0] == "me"
`;
    const requests = ["me/x", 7, "you", "me", null].map((who) => ({ data: {}, token: { who } }));
    expect(await ask(policy, "v1", requests)).toEqual([
      true,
      { failed: "evaluation", message: `${SPLIT}number` },
      false,
      true,
      { failed: "evaluation", message: `${SPLIT}null` },
    ]);
  });

  it("that does not compile fails every request, with the reason", async () => {
    expect(await ask(TUTORIAL_STYLE, "v1")).toEqual([
      { failed: "policy", message: "`if` keyword is required before rule body" },
    ]);
  });

  it("allows by `true` only", async () => {
    const answers = ["1", '"true"', "[]", "true", "false"].map(async (value) =>
      ask(`package policy\nallow := ${value}\n`, "v1"),
    );
    expect(await Promise.all(answers)).toEqual([[false], [false], [false], [true], [false]]);
  });

  it.each([
    [
      "the network",
      'http.send({"method": "get", "url": "http://127.0.0.1:9"}).status_code == 200',
      "http.send",
    ],
    ["DNS", 'count(net.lookup_ip_addr("localhost")) > 0', "net.lookup_ip_addr"],
    ["the environment", 'opa.runtime().env.PATH != ""', "opa.runtime"],
    ["a function that Trustee does not have", 'io.jwt.decode("a.b.c")[0].alg == "none"', "io.jwt.decode"],
    ["its own text", "count(rego.metadata.chain()) >= 0", "rego.metadata.chain"],
    ["a random identifier", 'uuid.rfc4122("a") != ""', "uuid.rfc4122"],
  ])("that calls %s does not compile", async (_, condition, name) => {
    const policy = `package policy\nimport rego.v1\ndefault allow := false\nallow if ${condition}\n`;
    const answers = await ask(policy, "v1");
    expect(answers).toEqual([{ failed: "policy", message: `undefined function ${name}` }]);
  });

  it.each([
    ["time.now_ns", "time.now_ns() > 0"],
    ["rand.intn", 'rand.intn("a", 2) == 1'],
  ])("that calls %s, which Trustee has, is not evaluated, with the reason", async (name, condition) => {
    const policy = `package policy\ndefault allow = false\nallow { ${condition} }\n`;
    const answers = await ask(policy, "v0");
    const why = "Trustee has it, but a policy whose answers vary cannot be judged";
    expect(answers).toEqual([{ failed: "policy", message: `undefined function ${name} (${why})` }]);
  });

  it("may call every function that Trustee has in both syntaxes, and use all syntax of Rego", async () => {
    const conditions = [
      'split("a/b", "/")[1] == "b"',
      'sprintf("%s-%d", ["a", 1]) == "a-1"',
      'base64.decode("YQ==") == "a"',
      'json.unmarshal("[1]")[0] == 1',
      'regex.match("^a+$", "aaa")',
      'object.get({"a": 1}, "b", 2) == 2',
      'time.parse_rfc3339_ns("1970-01-01T00:00:00Z") == 0',
      "bits.and(6, 3) == 2",
      "array.slice([1, 2], 0, 1) == [1]",
      "1 + 2 * 3 - 4 / 2 == 5; 7 % 4 == 3",
      "{1, 2} & {2} == {2}; {1} | {2} == {1, 2}; {1, 2} - {2} == {1}",
      "1 < 2; 2 >= 2",
      '"a" in ["a"]; "k", 1 in {"k": 1}',
      "every x in [1] { x == 1 }",
      "some y in [3]; y == 3",
      'print("a", input.nothing)',
      "not is_string(1)",
      "count({z | z := [1, 2][_]}) == 2",
      "sum([1, 2]) == 3",
    ];
    const body = conditions.join("\n  ");
    const v1 = `package policy\ndefault allow := false\nallow if {\n  ${body}\n}\n`;
    const v0 = `package policy\nimport future.keywords\ndefault allow = false\nallow {\n  ${body}\n}\n`;
    expect(await ask(v1, "v1")).toEqual([true]);
    expect(await ask(v0, "v0")).toEqual([true]);
  });

  it("has no additional functions in the sandbox's KBS", async () => {
    const policy = 'package policy\ndefault allow = false\nallow { opa.runtime().env.PATH != "" }\n';
    const question = { policy, query: "data.policy.allow", input: {}, data: {}, syntax: "v0" } as const;
    expect(await evaluate(opa, question)).toEqual({
      error: { message: "undefined function opa.runtime", row: 3, col: 9, during: "load" },
    });
  });

  it("may lack the rule, and may get no request", async () => {
    expect(await ask("package policy\n", "v1")).toEqual([false]);
    expect(await ask("package policy\n", "v1", [])).toEqual([]);
  });
});

describe("the OPA program", () => {
  const needed = "Install Open Policy Agent 1.0 or newer, or name the program in TRUSTEE_ACCESS_OPA.";
  /** A folder with an opa that runs this shell script. */
  async function script(...lines: readonly string[]): Promise<string> {
    const path = temporaryFolder();
    await writeFile(join(path, "opa"), ["#!/bin/sh", ...lines, ""].join("\n"), { mode: 0o755 });
    return path;
  }
  /** A folder with an opa that prints this version. */
  const fake = async (version: string): Promise<string> =>
    script(`[ "$1" = version ] && echo "${version}"`, "exit 0");

  it("gets none of our environment variables, and only the functions that a policy may call", async () => {
    const seen = join(temporaryFolder(), "seen");
    const answer = '{"result":[{"expressions":[{"value":{}}]}]}';
    const path = await script(
      `{ echo $*; /usr/bin/env; } >> ${seen}`,
      "echo Version: 1.0.0 >&2",
      `[ "$1" = version ] && echo Version: 1.0.0 || echo '${answer}'`,
    );
    const program = join(path, "opa");
    expect(await findOpa({ PATH: path })).toEqual({ program });
    expect(
      await askEach({ opa: program, text: "package policy", syntax: "v1" }, [{ data: {}, token: {} }]),
    ).toEqual([false]);
    const [version, ...more] = (await readFile(seen, "utf8")).trim().split("\n");
    // Variables that a shell sets itself.
    const own = /^(PWD|SHLVL|_|OLDPWD)=/;
    expect(version).toBe("version");
    expect(more.filter((line) => !own.test(line))).toEqual([
      "GOGC=400",
      expect.stringMatching(/^eval .* --capabilities \/\S+\/capabilities\.json /),
      "GOGC=400",
    ]);
  });

  it.each([
    ["with OPA 1.22: one run for all, and one that names those that fail", "cat", 2],
    ["with an OPA that does not name them: more runs", "sed s/stack_trace/other/", 9],
  ])("is asked for requests that fail %s", async (_, filter, runs) => {
    const seen = join(temporaryFolder(), "seen");
    const path = await script(`echo run >> ${seen}`, `${opa} "$@" | ${filter}`);
    const policy = { opa: join(path, "opa"), text: TUTORIAL_STYLE, syntax: "v0" } as const;
    const requests = [["a"], ["b"], [], ["c"]].map((name, index) => ({
      data: { "resource-path": name },
      token: index === 2 ? {} : { who: "me" },
    }));
    const failed = { failed: "evaluation", message: `${SPLIT}array` };
    expect(await askEach(policy, requests)).toEqual([failed, failed, false, failed]);
    expect((await readFile(seen, "utf8")).split("\n").length - 1).toBe(runs);
  });

  it("is the one that the environment names, else the first on PATH, else none", async () => {
    const own = await fake("Version: 1.0.0");
    const program = join(own, "opa");
    expect(await findOpa({ PATH: ["/nonexistent", own].join(delimiter) })).toEqual({ program });
    expect(await findOpa({ PATH: own, TRUSTEE_ACCESS_OPA: opa })).toEqual({ program: opa });
    expect(await findOpa({ PATH: own, TRUSTEE_ACCESS_OPA: "" })).toEqual({ program });
    expect(await findOpa({ PATH: own, TRUSTEE_ACCESS_OPA: "/nonexistent/opa" })).toEqual({
      reason: `TRUSTEE_ACCESS_OPA names /nonexistent/opa, which is not a program. ${needed}`,
    });
    const none = { reason: `opa is not on PATH. ${needed}` };
    expect(await findOpa({ PATH: "/nonexistent" })).toEqual(none);
    expect(await findOpa({})).toEqual(none);
  });

  it("is refused if it is too old, which names its version, or prints no version", async () => {
    const [old, older, silent, own] = await Promise.all(
      ["Version: 0.70.0", "Version: 0.9.1-rc2", "", "Version: 10.2.0-dev"].map(fake),
    );
    const path = (...folders: readonly (string | undefined)[]): NodeJS.ProcessEnv => ({
      PATH: folders.join(delimiter),
    });
    const tooOld = `${join(old ?? "", "opa")} is Open Policy Agent 0.70.0, which is too old. ${needed}`;
    expect(await findOpa(path(old, older))).toEqual({ reason: tooOld });
    expect(await findOpa({ TRUSTEE_ACCESS_OPA: join(old ?? "", "opa") })).toEqual({ reason: tooOld });
    expect(await findOpa(path(silent, old))).toEqual({
      reason: `${join(silent ?? "", "opa")} does not print a version of Open Policy Agent. ${needed}`,
    });
    expect(await findOpa(path(older, silent, own))).toEqual({ program: join(own ?? "", "opa") });
  });
});
