import { describe, expect, it } from "vitest";
import { renderAgentPolicy, requestDefaults } from "../../../core/initdata/agent-policy.ts";
import { refusedAtStart, startProblems, startRequests } from "../../../core/preflight/agent-policy-start.ts";

const ours = renderAgentPolicy({ logs: true, allowedCommands: ["id"] });
const all = startRequests.join(", ");

const refuses = (requests: string, first = requests.split(",", 1).join("")): string =>
  `it refuses ${requests}, which a guest needs to start: no pod starts with it. Allow them, for example default ${first} := true.`;

it.each(
  Object.entries({
    ours: ours,
    // kata-containers, src/kata-opa/allow-all-except-exec-process.rego and allow-all.rego, shortened
    "Kata's": `package agent_policy\n\n${Object.keys(requestDefaults)
      .map((name) => `default ${name} := true`)
      .join("\n")}\ndefault ExecProcessRequest := false\n`,
    // kata-containers, src/tools/genpolicy/rules.rego: denies by default, and checks each request
    "genpolicy's": `package agent_policy\nimport future.keywords.if\n${startRequests
      .map((name) => `default ${name} := false\n${name} := {"ops": [], "allowed": true} if {\n  input.x\n}`)
      .join("\n")}`,
    "one that lets the agent ignore it": "package agent_policy\ndefault AllowRequestsFailingPolicy := true\n",
  }),
)("an agent policy with which a guest starts gives no warning: %s", (_, rego) => {
  expect(startProblems(rego)).toEqual([]);
});

describe("an agent policy with which no guest starts", () => {
  it("allows too little", () => {
    expect(startProblems("package agent_policy\ndefault ExecProcessRequest := false\n")).toEqual([
      refuses(all),
    ]);
    const without = ours.replace("default UpdateInterfaceRequest := true\n", "");
    expect(startProblems(without)).toEqual([refuses("UpdateInterfaceRequest")]);
    const denied = ours.replace(
      "default CreateContainerRequest := true",
      "default CreateContainerRequest := false",
    );
    expect(startProblems(denied)).toEqual([refuses("CreateContainerRequest")]);
    expect(startProblems(`${denied}\nCreateContainerRequest if { false }\n`)).toEqual([
      refuses("CreateContainerRequest"),
    ]);
  });

  it.each([
    ["package policy", "policy"],
    ["package agent_policy.v2", "agent_policy.v2"],
    ["package data", "data"],
  ])("is in another package: %s", (line, name) => {
    const rego = ours.replace("package agent_policy", line);
    expect(startProblems(rego)).toEqual([
      `its package is ${name}, but the agent evaluates agent_policy: it refuses every request, and no guest starts with it.`,
    ]);
    expect(refusedAtStart(rego)).toEqual(startRequests);
  });

  it.each([
    ["X if {\n  input.x", "a bracket or a string is not closed (policy.rego, line 57)"],
    ["X := [1, 2}", "a bracket or a string is not closed (policy.rego, line 57)"],
    ["X := 1 }", "a bracket or a string is not closed (policy.rego, line 57)"],
    ['X := "no end', "a bracket or a string is not closed (policy.rego, line 57)"],
    ["X := `no end", "a bracket or a string is not closed (policy.rego, line 57)"],
    ["default CopyFileRequest := true", "CopyFileRequest has two defaults (policy.rego, line 57)"],
  ])("does not compile: %s", (more, what) => {
    expect(startProblems(`${ours}${more}\n`)).toEqual([
      `${what}, so it does not compile, and no guest starts with it.`,
    ]);
  });

  it("is empty, or has no package", () => {
    const none = "it has no package, so it does not compile, and no guest starts with it.";
    for (const rego of ["", "# nothing\n", "default CopyFileRequest := true\n"]) {
      expect(startProblems(rego)).toEqual([none]);
    }
  });
});
