import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { PolicyData } from "../../../core/access/model.ts";
import { evaluateRego } from "../../../cli/rego/apart.ts";
import { findOpa } from "../../../cli/rego/opa.ts";
import { toolPath } from "../../support/tools.ts";

let opa = "";
beforeAll(async () => {
  opa = await toolPath("opa");
}, 1_800_000);

/** Opens on a path that it cannot read, unless the engine gives up at once. */
const TUTORIAL_STYLE = `package policy
default allow = false
path := split(data["resource-path"], "/")
is_mine { path[2] == "mine" }
allow { is_mine; input.who == "me" }
allow { not is_mine; input.who }
`;

const SPLIT = "split: operand 1 must be string but got ";

describe("a policy in OPA", () => {
  it("answers every request, of whatever shape, in one order", async () => {
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
      { data, input: { who: "me" } },
      { data, input: { who: "you" } },
      { data, input: {} },
    ]);
    // Where nobody asks, OPA does not come to the builtin.
    const failed = (type: string): unknown => ({ failed: "evaluation", message: `${SPLIT}${type}` });
    expect(await evaluateRego(opa, TUTORIAL_STYLE, "v0", requests)).toEqual([
      ...[true, false, false],
      ...[true, true, false],
      ...[failed("array"), failed("array"), false],
      ...[failed("number"), failed("number"), false],
      ...[failed("null"), failed("null"), false],
      ...[true, true, false],
      ...[true, true, false],
    ]);
  });

  it("is told apart from the requests that it breaks off on", async () => {
    const policy = `package policy
import rego.v1
default allow := false
allow if split(input.who, "/")[0] == "me"
`;
    const requests = ["me/x", 7, "you", "me", null].map((who) => ({ data: {}, input: { who } }));
    expect(await evaluateRego(opa, policy, "v1", requests)).toEqual([
      true,
      { failed: "evaluation", message: `${SPLIT}number` },
      false,
      true,
      { failed: "evaluation", message: `${SPLIT}null` },
    ]);
  });

  it("that does not compile fails every request, with why", async () => {
    const requests = [{ data: {}, input: {} }];
    const [failed] = await evaluateRego(opa, TUTORIAL_STYLE, "v1", requests);
    expect(failed).toEqual({ failed: "policy", message: "`if` keyword is required before rule body" });
  });

  it("allows by `true` alone", async () => {
    const answers = ["1", '"true"', "[]", "true", "false"].map(async (value) =>
      evaluateRego(opa, `package policy\nallow := ${value}\n`, "v1", [{ data: {}, input: {} }]),
    );
    expect(await Promise.all(answers)).toEqual([[false], [false], [false], [true], [false]]);
  });

  it("may lack the rule, and may be asked nothing", async () => {
    expect(await evaluateRego(opa, "package policy\n", "v1", [{ data: {}, input: {} }])).toEqual([false]);
    expect(await evaluateRego(opa, "package policy\n", "v1", [])).toEqual([]);
  });
});

describe("the OPA program", () => {
  const needed = "Install Open Policy Agent 1.0 or newer, or name the program in TRUSTEE_ACCESS_OPA.";
  let folder = "";
  /** A folder with an opa that says that it is of this version. */
  async function fake(version: string): Promise<string> {
    const path = await mkdtemp(join(folder, "path-"));
    await writeFile(join(path, "opa"), `#!/bin/sh\n[ "$1" = version ] && echo "${version}"\nexit 0\n`);
    await chmod(join(path, "opa"), 0o755);
    return path;
  }
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "trustee-access-path-"));
  });
  afterAll(async () => rm(folder, { recursive: true }));

  it("is the one that the environment names, else the first on PATH, else none", async () => {
    const own = await fake("Version: 1.0.0");
    const program = join(own, "opa");
    expect(await findOpa({ PATH: ["/nonexistent", own].join(delimiter) })).toEqual({ program });
    expect(await findOpa({ PATH: own, TRUSTEE_ACCESS_OPA: opa })).toEqual({ program: opa });
    expect(await findOpa({ PATH: own, TRUSTEE_ACCESS_OPA: "" })).toEqual({ program });
    expect(await findOpa({ PATH: own, TRUSTEE_ACCESS_OPA: "/nonexistent/opa" })).toEqual({
      reason: `TRUSTEE_ACCESS_OPA names /nonexistent/opa, which is no program. ${needed}`,
    });
    const none = { reason: `There is no opa on PATH. ${needed}` };
    expect(await findOpa({ PATH: "/nonexistent" })).toEqual(none);
    expect(await findOpa({})).toEqual(none);
  });

  it("is not one that is too old, which is named with its version, nor one that does not say", async () => {
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
      reason: `${join(silent ?? "", "opa")} does not say which version of Open Policy Agent it is. ${needed}`,
    });
    expect(await findOpa(path(older, silent, own))).toEqual({ program: join(own ?? "", "opa") });
  });
});
