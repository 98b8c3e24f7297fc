import TOML from "@iarna/toml";
import { describe, expect, it } from "vitest";
import { diffReaders, initdataChanges } from "../../../cli/diff/readers.ts";
import { renderAgentPolicy } from "../../../core/initdata/agent-policy.ts";
import { encodeAnnotation } from "../../../core/initdata/annotation.ts";
import type { AccessOutputs } from "../../../cli/diff/preview.ts";

const agentPolicy = { logs: false, allowedCommands: ["curl a"], requests: { CopyFileRequest: true } };
const pod = (deployed: boolean): AccessOutputs["pods"][string] => ({ deployed, agentPolicy });

function outputs(initData: Readonly<Record<string, string>>, more: Partial<AccessOutputs> = {}) {
  const access = Object.fromEntries(
    Object.keys(initData).map((name) => [name, { "s/k": "granted", "open/k": "not-restricted" } as const]),
  );
  return {
    access,
    initData: { ...initData },
    annotations: {},
    pods: {},
    otherReaders: [],
    accessChanges: [],
    ...more,
  };
}

const lines = (before: AccessOutputs | undefined, after: AccessOutputs): readonly string[] =>
  diffReaders(before, after).map(
    (change) => `${change.effect} ${change.pod} ${change.path}: ${change.before}; ${change.after}`,
  );

describe("another claim under the same name", () => {
  it("opens the grants of a reader that is deployed elsewhere, declared as a pod or a reader", () => {
    const expected = ["opens vendor s/k: granted to other initdata; granted"];
    expect(lines(outputs({ vendor: "a" }), outputs({ vendor: "b" }))).toEqual(expected);
    for (const deployed of [
      [false, false],
      [false, true],
      [true, false],
    ]) {
      const [before, after] = deployed.map((is) => ({ pods: { vendor: pod(is) } }));
      expect(lines(outputs({ vendor: "a" }, before), outputs({ vendor: "b" }, after))).toEqual(expected);
    }
  });

  it("opens nothing if the stack deploys the pod, the claim is the same, or there was no claim", () => {
    const pods = { vendor: pod(true) };
    expect(lines(outputs({ vendor: "a" }, { pods }), outputs({ vendor: "b" }, { pods }))).toEqual([]);
    expect(lines(outputs({ vendor: "a" }), outputs({ vendor: "a" }))).toEqual([]);
    expect(lines(outputs({}), outputs({ vendor: "b" }))).toEqual([]);
    expect(lines(undefined, outputs({ vendor: "b" }))).toEqual([]);
  });

  it("of a deployed pod is listed, with what its agent policy additionally allows", () => {
    const pods = { one: pod(true), two: pod(true), three: { deployed: true }, else: pod(false) };
    const names = { one: "a", two: "b", three: "c", else: "d" };
    const wider = {
      deployed: true,
      agentPolicy: {
        logs: true,
        allowedCommands: ["curl a", "sh"],
        requests: { CopyFileRequest: true, SetPolicyRequest: true, ExecProcessRequest: false },
      },
    };
    const after = outputs(
      { one: "a1", two: "b1", three: "c1", else: "d1" },
      { pods: { ...pods, two: wider, three: pod(true) } },
    );
    expect(initdataChanges(outputs(names, { pods }), after)).toEqual([
      { pod: "one", files: [], wider: [] },
      { pod: "two", files: [], wider: ['exec "sh"', "reading the logs", "SetPolicyRequest"] },
      { pod: "three", files: [], wider: ["unknown: its own agent policy is not declared in the settings"] },
    ]);
    expect(initdataChanges(undefined, after)).toEqual([]);
    expect(initdataChanges(after, after)).toEqual([]);
  });
});

describe("the new initdata file of a deployed pod", () => {
  const strict = renderAgentPolicy({ logs: false, allowedCommands: ["curl a"] });
  /** What `diff` lists for a pod whose initdata changes from one agent policy to another. */
  const widerIn = (
    before: string | undefined,
    after: string | undefined,
    change: Partial<AccessOutputs> = {},
  ) => {
    const outputsWith = (claim: string, policy: string | undefined): AccessOutputs => {
      const data = policy === undefined ? "" : `"policy.rego" = '''\n${policy}'''\n`;
      const annotations = { p: encodeAnnotation(`note = "${claim}"\n[data]\n${data}`) };
      return outputs({ p: claim }, { annotations, pods: { p: { deployed: true } } });
    };
    return initdataChanges({ ...outputsWith("a", before), ...change }, outputsWith("b", after))[0]?.wider;
  };
  const rest = "unknown: what else the new policy.rego allows, since the settings do not declare it";

  it.each<[string, string, string, readonly string[]]>([
    ["a comment", strict, `# new\n${strict}`, []],
    [
      "any exec, and the logs",
      strict,
      renderAgentPolicy({ logs: true, allowedCommands: [] }).replace(
        "default ExecProcessRequest := false",
        "default ExecProcessRequest := true",
      ),
      ["ReadStreamRequest", "ExecProcessRequest", rest],
    ],
    ["a command", strict, strict.replace("curl a", "sh"), ['exec "sh"', rest]],
    ["a new rule", strict, `${strict}\nSetPolicyRequest if input.x\n`, ["SetPolicyRequest", rest]],
    ["a check that is weaker", strict, strict.replace("==", "!="), [rest]],
    ["less", `${strict}\nSetPolicyRequest if input.x\n`, strict, [rest]],
  ])("is listed with what its agent policy allows: %s", (_, before, after, expected) => {
    expect(widerIn(before, after)).toEqual(expected);
  });

  it("is listed as unknown if a policy is not there, or cannot be read", () => {
    const notDeclared = ["unknown: its own agent policy is not declared in the settings"];
    expect(widerIn(strict, undefined)).toEqual([
      "unknown: it has no policy.rego, so the one in the guest's image applies",
    ]);
    expect(widerIn(undefined, undefined)).toEqual([]);
    expect(widerIn(undefined, strict)).toEqual(notDeclared);
    expect(widerIn(strict, strict, { annotations: {} })).toEqual(notDeclared);
    expect(widerIn(strict, strict, { annotations: { p: "!" } })).toEqual(notDeclared);
  });

  it.each<[string, Readonly<Record<string, string>>, readonly string[]]>([
    ["another KBS", { "cdh.toml": "b", "aa.toml": "a" }, ["cdh.toml"]],
    ["no file any more", {}, ["aa.toml", "cdh.toml"]],
    ["a file more", { "aa.toml": "a", "cdh.toml": "a", "policy.rego": strict }, ["policy.rego"]],
    ["a name that every object has", { "aa.toml": "a", "cdh.toml": "a", constructor: "a" }, ["constructor"]],
    ["only what is no file", { "aa.toml": "a", "cdh.toml": "a" }, []],
  ])("is listed with the files that change: %s", (_, files, expected) => {
    const outputsWith = (claim: string, data: object): AccessOutputs => {
      const annotations = { p: encodeAnnotation(TOML.stringify({ note: claim, data: { ...data } })) };
      return outputs({ p: claim }, { annotations, pods: { p: { deployed: true } } });
    };
    const before = outputsWith("a", { "aa.toml": "a", "cdh.toml": "a" });
    expect(initdataChanges(before, outputsWith("b", files))[0]?.files).toEqual(expected);
    expect(
      initdataChanges({ ...before, annotations: { p: "!" } }, outputsWith("b", files))[0]?.files,
    ).toEqual([]);
  });

  it("is compared with a declared policy too", () => {
    const declared = {
      p: { deployed: true, agentPolicy: { logs: false, allowedCommands: ["curl a"], requests: {} } },
    };
    expect(widerIn(strict, strict, { pods: declared })).toEqual([]);
    expect(widerIn(strict, strict.replace("curl a", "sh"), { pods: declared })).toEqual(['exec "sh"', rest]);
  });
});

describe("a reader by another stack's grant", () => {
  const spy = {
    stack: "o/p/x",
    reader: "spy",
    secret: "s",
    key: "*",
    initData: "e".repeat(64),
    binding: "azure-vtpm" as const,
    former: false,
  };

  it("is opened if the deployed outputs did not have it under any name", () => {
    const otherReaders = [spy];
    const opened = [
      "opens spy of stack o/p/x s/*: not granted when this stack was last deployed; granted by that stack",
    ];
    expect(lines(outputs({}), outputs({}, { otherReaders }))).toEqual(opened);
    expect(lines(undefined, outputs({}, { otherReaders }))).toEqual(opened);
    expect(
      lines(outputs({}, { otherReaders: [{ ...spy, key: "k" }] }), outputs({}, { otherReaders })),
    ).toEqual(opened);
    expect(lines(outputs({}, { otherReaders }), outputs({}, { otherReaders }))).toEqual([]);
    expect(
      lines(outputs({}, { otherReaders }), outputs({}, { otherReaders: [{ ...spy, former: true }] })),
    ).toEqual([]);
    expect(lines(outputs({}, { otherReaders }), outputs({}))).toEqual([]);
  });
});
