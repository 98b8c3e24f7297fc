import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { PolicyData } from "../../../core/access/model.ts";
import { evaluateRego, findOpa } from "../../../cli/rego/opa.ts";
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
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "trustee-access-path-"));
    await writeFile(join(folder, "opa"), "#!/bin/sh\n");
    await chmod(join(folder, "opa"), 0o755);
  });
  afterAll(async () => rm(folder, { recursive: true }));

  it("is the one that the environment names, else the first on PATH, else none", async () => {
    const own = join(folder, "opa");
    expect(await findOpa({ PATH: ["/nonexistent", folder].join(delimiter) })).toBe(own);
    expect(await findOpa({ PATH: folder, TRUSTEE_ACCESS_OPA: opa })).toBe(opa);
    expect(await findOpa({ PATH: folder, TRUSTEE_ACCESS_OPA: "" })).toBe(own);
    expect(await findOpa({ PATH: folder, TRUSTEE_ACCESS_OPA: join(folder, "no-such") })).toBeUndefined();
    expect(await findOpa({ PATH: "/nonexistent" })).toBeUndefined();
    expect(await findOpa({})).toBeUndefined();
  });
});
