import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import fc from "fast-check";
import { beforeAll, expect, it } from "vitest";
import { wideningsIn } from "../../../core/preflight/agent-policy-text.ts";
import { sharedFolder } from "../../support/folders.ts";
import { toolPath } from "../../support/tools.ts";

const NAME = "SetPolicyRequest";

let opa = "";
const folder = sharedFolder();
beforeAll(async () => {
  opa = await toolPath("opa");
}, 1_200_000);

/** An expression that is true or false for this input; some are decidable without evaluation. */
const expression = fc.constantFrom(
  ...["true", "false", "not false", "not true", "1 == 1", '"a" == "b"', '"# }" == "# }"', "`}` != `{`"],
  ...["input.yes", "input.no", "input.yes == true", 'count({"}": 1}) == 1', "helper(input)", "some_rule"],
);
const body = fc.oneof(
  fc
    .tuple(
      fc.array(expression, { minLength: 1, maxLength: 3 }),
      fc.constantFrom("\n  ", "; ", " # false\n  "),
    )
    .chain(([list, between]) =>
      fc.constantFrom(
        `{ ${list.join(between)}\n}`,
        `if { ${list.join(between)} }`,
        `if {\n${list.join(between)}\n}`,
      ),
    ),
  expression.map((one) => `if ${one}`),
);
const value = fc.constantFrom(
  ...["", " := true", " = true", " := false", ' := {"allowed": true}', ' := {"ops": [], "allowed": false}'],
  ...[" := input.yes", " := 1"],
);
const rule = fc.oneof(
  value.filter((one) => one !== "").map((one) => `${NAME}${one}`),
  fc.tuple(value, body).map(([one, when]) => `${NAME}${one} ${when}`),
  fc
    .tuple(value, body, value, body)
    .map(([one, when, other, then]) => `${NAME}${one} ${when} else${other} ${then}`),
);
/** Texts that look like a rule of that name, but are not. */
const decoy = fc.constantFrom(
  ...[`# ${NAME} := true`, `text := "${NAME} := true"`, `text := \`\n${NAME} := true\n\``],
  ...[`uses if ${NAME}`, `uses {\n  ${NAME}\n}`, `policy_data := {\n  "${NAME}": true,\n}`, ""],
);
const policy = fc
  .record({
    fallback: fc.constantFrom("", `default ${NAME} := false`, `default ${NAME} = true`),
    before: decoy,
    rule: fc.option(rule, { nil: "" }),
  })
  // Without anything of that name, nothing can use it.
  .filter((one) => !one.before.startsWith("uses") || one.fallback !== "" || one.rule !== "");

interface Answer {
  readonly [NAME]?: boolean | { readonly allowed?: boolean };
}

it("the findings in an agent policy's text are all that a real OPA lets it allow, and `always` is certain (generated policies)", async () => {
  const policies = fc.sample(policy, { numRuns: 1500, seed: 20260101 }).map((one, index) => {
    const lines = [
      `package p${index}`,
      "import future.keywords.if",
      "import future.keywords.in",
      one.before,
      one.fallback,
      one.rule,
      "helper(x) { x.yes }",
      "some_rule := true",
    ];
    return { ...one, text: `${lines.join("\n")}\n` };
  });
  policies.forEach(({ text }, index) => {
    writeFileSync(join(folder, `p${index}.rego`), text);
  });
  const flags = ["--v0-compatible", "--format=json", "-I", "-d", folder];
  const { stdout } = await execa(opa, ["eval", ...flags, "data"], {
    input: JSON.stringify({ yes: true, no: false }),
    maxBuffer: 100_000_000,
  });
  const { result } = JSON.parse(stdout) as {
    readonly result: readonly [
      { readonly expressions: readonly [{ readonly value: Readonly<Record<string, Answer>> }] },
    ];
  };
  const answers = result[0].expressions[0].value;
  const counts = { allowed: 0, always: 0, found: 0 };
  policies.forEach(({ text, rule: written }, index) => {
    const answer = answers[`p${index}`]?.[NAME];
    const allowed = typeof answer === "object" ? answer.allowed === true : answer === true;
    const found = wideningsIn(text, [NAME]);
    const always = found.some((one) => one.always);
    counts.allowed += Number(allowed);
    counts.always += Number(always);
    counts.found += Number(found.length > 0);
    if (allowed) expect(found, text).not.toEqual([]);
    // A branch after another one may never be reached: an else, or the default next to a rule.
    const isAlone = written === "" || (!written.includes("else") && !text.includes("default"));
    if (always && isAlone) expect(allowed, text).toBe(true);
    for (const { line } of found) expect(text.split("\n")[line - 1]).toMatch(/SetPolicyRequest|else/);
  });
  // Enough of each kind for a meaningful result.
  for (const count of Object.values(counts)) expect(count).toBeGreaterThan(100);
});
