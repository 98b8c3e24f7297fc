import { readFileSync } from "node:fs";
import TOML from "@iarna/toml";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { commandsIn, wideningsIn } from "../../../core/preflight/agent-policy-text.ts";
import { agentRequestWarnings } from "../../../core/preflight/agent-requests.ts";
import {
  curlCommand,
  renderAgentPolicy,
  requestDefaults,
  type AgentRequest,
} from "../../../core/initdata/agent-policy.ts";
import { planOf, settingsOf } from "../../fixtures/settings.ts";
import { forAll } from "../../support/for-all.ts";

const REFUSED = [
  "SetPolicyRequest",
  "WriteStreamRequest",
  "ExecProcessRequest",
  "AllowRequestsFailingPolicy",
];

/** `request line`, with a question mark if only an evaluation can decide. */
function widened(...lines: readonly string[]): readonly string[] {
  const text = `package agent_policy\n${lines.join("\n")}\n`;
  return wideningsIn(text, REFUSED).map(
    ({ request, always, line }) => `${request} ${line}${always ? "" : " ?"}`,
  );
}

function policyOf(toml: string): string {
  const { data } = TOML.parse(toml) as unknown as { readonly data: Readonly<Record<string, string>> };
  return data["policy.rego"] ?? "";
}

describe("a request that an agent policy allows and the tutorial rejects", () => {
  it.each([
    "default SetPolicyRequest := true",
    "default SetPolicyRequest = true",
    "SetPolicyRequest := true",
    "SetPolicyRequest = true",
    "SetPolicyRequest if { true }",
    "SetPolicyRequest if true",
    "SetPolicyRequest { true }",
    'SetPolicyRequest { 1 == 1.0; not false; `a` == "a" }',
    "SetPolicyRequest := true if {\n  true\n  true }",
    'SetPolicyRequest := {"ops": [], "allowed": true}',
    'SetPolicyRequest := {"allowed": true, "ops": []} if { true }',
    'SetPolicyRequest["allowed"] := true',
    "SetPolicyRequest.allowed := true",
  ])("is found in any spelling: %s", (text) => {
    expect(widened(text)).toEqual(["SetPolicyRequest 2"]);
  });

  it.each([
    "SetPolicyRequest if { input.x }",
    'SetPolicyRequest if input.x == "y"',
    "SetPolicyRequest { helper }",
    "SetPolicyRequest := helper",
    "SetPolicyRequest := count(input.x) > 0",
    "SetPolicyRequest := {`allowed`: helper}",
    "SetPolicyRequest = false { input.x } { helper }\nSetPolicyRequest = true { input.x }",
  ])("is found with a condition: %s", (text) => {
    expect(widened("helper := true", text).every((one) => one.endsWith(" ?"))).toBe(true);
    expect(widened("helper := true", text)).not.toEqual([]);
  });

  it.each([
    "default SetPolicyRequest := false",
    "SetPolicyRequest := false",
    "SetPolicyRequest if { false }",
    "SetPolicyRequest if { input.x; not helper; false }",
    'SetPolicyRequest if { "a" == "b"\n input.x }',
    'SetPolicyRequest := {"allowed": false}',
    "SetPolicyRequest := false if { input.x }",
    "# SetPolicyRequest := true",
    'text := "SetPolicyRequest := true"',
    "text := `\nSetPolicyRequest := true\n`",
    "allow if SetPolicyRequest",
    "allow if {\n  SetPolicyRequest\n}",
    "allow :=\n  SetPolicyRequest",
    'policy_data := {\n  "SetPolicyRequest": true\n}',
    "import data.other.SetPolicyRequest",
    "SetPolicyRequest contains x if some x in input.xs",
    "SetPolicyRequest[x] { x := true }",
    "SetPolicyRequest(x) := true",
    "SetPolicyRequested := true",
  ])("is not confused with anything else: %s", (text) => {
    expect(widened(text)).toEqual([]);
  });

  it("has its line, for each body and each else", () => {
    expect(
      widened(
        "default WriteStreamRequest := true",
        "WriteStreamRequest if {",
        "  input.x",
        "} else := false if {",
        "  input.y",
        "} else if {",
        "  true",
        "} SetPolicyRequest {",
        "  false",
        "} {",
        "  helper }",
        "AllowRequestsFailingPolicy := true",
      ),
    ).toEqual([
      "WriteStreamRequest 2",
      "WriteStreamRequest 3 ?",
      "WriteStreamRequest 7",
      "SetPolicyRequest 11 ?",
      "AllowRequestsFailingPolicy 13",
    ]);
  });

  it.each([
    "ExecProcessRequest := true",
    "ExecProcessRequest if { true }",
    "ExecProcessRequest if { policy_data.debug }",
    "ExecProcessRequest if { input.process.Terminal }",
    "ExecProcessRequest if { helper }\nhelper if { data.x == 1 }",
    "ExecProcessRequest if {\n  input.process.Args == [`id`]\n} else := true",
  ])("is exec if the command is not checked: %s", (text) => {
    expect(widened(text)).toHaveLength(1);
  });

  it.each([
    'ExecProcessRequest if { input.process.Args == ["id"] }',
    'ExecProcessRequest { c := concat(" ", input.process.Args); c == policy_data.allowed[_] }',
    "ExecProcessRequest if { allowed }\nallowed if { known[args] }\nargs := input.process.Args",
    "import input.process as asked\nExecProcessRequest if { asked.Args == [`id`] }",
    "ExecProcessRequest := input.process.Args[0] == `id`",
  ])("is not exec if the command is checked: %s", (text) => {
    expect(widened(text)).toEqual([]);
  });

  it("is not in the tutorial's policy, nor in ours, for any commands and other requests (property)", () => {
    const toml = readFileSync("test/fixtures/tutorial-initdata-pod1.toml", "utf8");
    expect(wideningsIn(policyOf(toml), REFUSED)).toEqual([]);
    const names = Object.keys(requestDefaults) as AgentRequest[];
    const requests = fc.dictionary(
      fc.constantFrom(...names.filter((name) => requestDefaults[name])),
      fc.boolean(),
    );
    const text = fc.string({ unit: "grapheme" });
    forAll(fc.boolean(), fc.array(text), requests, (logs, allowedCommands, changed) => {
      const rego = renderAgentPolicy({ logs, allowedCommands, requests: changed });
      expect(wideningsIn(rego, REFUSED)).toEqual([]);
      expect(commandsIn(rego).map(({ command }) => command)).toEqual(allowedCommands);
    });
  });

  it("is exactly what is declared (property)", () => {
    const requests = fc.record({ SetPolicyRequest: fc.boolean(), WriteStreamRequest: fc.boolean() });
    forAll(requests, (declared) => {
      const rego = renderAgentPolicy({ logs: true, allowedCommands: [], requests: declared });
      const found = wideningsIn(rego, REFUSED).map(({ request }) => request);
      expect(found).toEqual(Object.entries(declared).flatMap(([name, allowed]) => (allowed ? [name] : [])));
    });
  });
});

it("the commands in a policy's data are those of every list of that name, in the tutorial's spelling and in others", () => {
  const text = `package agent_policy
# "allowed_commands": ["sh"]
policy_data := {
  "allowed_commands": [
    "curl -s http://127.0.0.1:8006/x", # "bash"
    \`ba\\sh\`,
  ],
  "text": "allowed_commands",
  "others": ["sh"],
  "exec": {"allowed_commands": [["/bin/sh", "-c", "id"], ["a\\"b"]]},
}
allowed_commands := {"id", "env"}
ok if input.process.Args[0] == policy_data.allowed_commands[0]
`;
  expect(commandsIn(text)).toEqual([
    { command: "curl -s http://127.0.0.1:8006/x", line: 5 },
    { command: "ba\\sh", line: 6 },
    { command: "/bin/sh -c id", line: 10 },
    { command: 'a"b', line: 10 },
    { command: "id", line: 12 },
    { command: "env", line: 12 },
  ]);
});

describe("warnings of agent policies", () => {
  function warnings(
    policies: Readonly<Record<string, string | undefined>>,
    kind: "pods" | "readers",
    execCommands: readonly string[] = [],
  ): readonly string[] {
    const files = Object.fromEntries(
      Object.entries(policies).map(([name, policy]) => [
        name,
        TOML.stringify({
          algorithm: "sha256",
          version: "0.1.0",
          name,
          data: policy === undefined ? {} : { "policy.rego": policy },
        }),
      ]),
    );
    const named = Object.keys(policies).map((name) => ({ name, initdataFile: name }));
    const declared = { name: "declared", execCommands: [...execCommands] };
    const settings = settingsOf({
      pods: [...(kind === "pods" ? named : []), declared],
      readers: kind === "readers" ? named : [],
    });
    return agentRequestWarnings(planOf(settings, { files }));
  }

  it.each(["pods", "readers"] as const)("are the same for the files of %s", (kind) => {
    const write = "package agent_policy\nWriteStreamRequest if input.x == 1\nWriteStreamRequest if {\n";
    const open = `package agent_policy
default SetPolicyRequest := true
policy_data := {"allowed_commands": ["/bin/sh -c id", "env"]}
`;
    expect(
      warnings({ a: `${write}  true }\n`, b: open, c: `${open}# another\n`, d: undefined }, kind),
    ).toEqual([
      "agent policy of a, b, c: it refuses CreateSandboxRequest, GuestDetailsRequest, UpdateInterfaceRequest, UpdateRoutesRequest, CopyFileRequest, CreateContainerRequest, StartContainerRequest, WaitProcessRequest, which a guest needs to start: no pod starts with it. Allow them, for example default CreateSandboxRequest := true.",
      "agent policy of a: WriteStreamRequest is allowed (policy.rego, lines 2, 3), so the host can write to the input of a process in the guest.",
      "agent policy of b, c: SetPolicyRequest is allowed (policy.rego, line 2), so the host can replace the agent policy in the running guest.",
      'agent policy of b, c: exec may run "/bin/sh -c id" (policy.rego, line 3), which can run any other program.',
      'agent policy of b, c: exec may run "env" (policy.rego, line 3), which can run any other program.',
      "agent policy of d: there is no policy.rego in the initdata file, so the one in the guest's image applies. By default it allows the host everything, including exec and policy changes.",
    ]);
  });

  it("name the condition, as far as it is known, and the effect of the agent's own switch", () => {
    expect(
      warnings(
        { a: "package agent_policy\nSetPolicyRequest if input.x\nAllowRequestsFailingPolicy := true\n" },
        "pods",
      ),
    ).toEqual([
      "agent policy of a: SetPolicyRequest may be allowed (policy.rego, line 2), so the host can replace the agent policy in the running guest.",
      "agent policy of a: AllowRequestsFailingPolicy is allowed (policy.rego, line 3), so the host can do whatever the policy refuses.",
    ]);
  });

  it.each([
    ...["sh", "bash", "/bin/bash -l", "/usr/bin/env", "python3 -c 1", "/opt/python3.12", "busybox sh", "zsh"],
    ...["xargs rm", "node", "ash", "dash", "/bin/ksh"],
  ])("name a command that runs others: %s", (command) => {
    const expected = `agent policy of declared: exec may run ${JSON.stringify(command)}, which can run any other program.`;
    expect(warnings({}, "pods", [command])).toEqual([expected]);
  });

  it.each([
    curlCommand("sh", "bash"),
    ...[
      "cat /bin/sh",
      "sha256sum /etc/os-release",
      "bashful",
      "pythonic",
      "/sh/id",
      "envoy --version",
      "nodes",
    ],
  ])("do not name others: %s", (command) => {
    expect(warnings({}, "pods", [command])).toEqual([]);
  });
});
