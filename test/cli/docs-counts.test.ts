import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { agentCases } from "../../cli/questions/agent-requests.ts";
import { accessRequests, type AccessRequest } from "../../cli/questions/requests.ts";
import { decisionWords } from "../../core/access/changes.ts";
import { decide } from "../../core/access/model.ts";
import { isRecord } from "../../core/records.ts";
import { mergeGrants } from "../../core/policy/grants.ts";
import { certificate } from "../fixtures/pod.ts";
import { planOf, settingsOf, tutorialSettings, tutorialValues } from "../fixtures/settings.ts";

const page = readFileSync("docs/check.md", "utf8");
const number = (value: number): string => value.toLocaleString("en-US");

/** The cells of a printed table, row by row. */
const printed = (first: string): readonly (readonly string[])[] =>
  page
    .split("\n")
    .filter((line) => line.startsWith("│") && line.includes(first))
    .map((line) =>
      line
        .split("│")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );

/** Follows a path through nested maps, as Rego does. */
const at = (value: unknown, ...path: readonly string[]): unknown =>
  path.reduce((inner, name) => (isRecord(inner) ? inner[name] : undefined), value);

/** The tutorial's policy in custom-resourcepolicy.rego: what it allows. */
function tutorialAllows({ data, token }: AccessRequest, pod1: string, pod2: string): boolean {
  const cpu0 = at(token, "submods", "cpu0");
  const path = data["resource-path"];
  // Rego's split of anything but a text is undefined.
  const parts = typeof path === "string" ? path.split("/") : [];
  const isAbout = (secret: string): boolean => parts.length > 2 && parts[2] === secret;
  const claim = at(cpu0, "ear.veraison.annotated-evidence", "init_data");
  return (
    at(cpu0, "ear.status") === "affirming" &&
    ((isAbout("fraud-dataset") && claim === pod1) ||
      (isAbout("p2-secret") && claim === pod2) ||
      (!isAbout("fraud-dataset") && !isAbout("p2-secret")))
  );
}

describe("docs/check.md prints what check prints", () => {
  const settings = settingsOf(tutorialSettings, tutorialValues);
  const plan = planOf(settings, { certificate });
  const rules = mergeGrants([plan.grants]);
  const requests = accessRequests({
    rules,
    claims: plan.pods.map(({ initData }) => initData),
    columns: plan.matrix.columns,
  });
  const toBeAllowed = ({ data, token }: AccessRequest): boolean => decide(rules, data, token).allowed;
  const counts = [number(requests.length), number(requests.filter(toBeAllowed).length)];
  const agents = settings.pods.map(({ agentPolicy }) => agentCases(agentPolicy));

  it("for the tutorial's stack", () => {
    expect(printed("resource policy").slice(0, 2)).toEqual(
      ["v0", "v1"].map((syntax) => [`resource policy, Rego ${syntax}`, ...counts, "0"]),
    );
    expect(printed("agent policy")).toEqual(
      agents.map((cases, index) => [
        `agent policy of pod${index + 1}`,
        number(cases.length),
        number(cases.filter(({ allowed }) => allowed).length),
        "0",
      ]),
    );
    const all = 2 * requests.length + agents.reduce((sum, cases) => sum + cases.length, 0);
    expect(page).toContain(`All ${number(all)} requests are answered`);
  });

  it("for the tutorial's policy, written by hand", () => {
    const [pod1 = "", pod2 = ""] = plan.pods.map(({ initData }) => initData);
    const different = requests.filter(
      (request) => tutorialAllows(request, pod1, pod2) !== toBeAllowed(request),
    );
    const count = number(different.length);
    expect(printed("resource policy").slice(2)).toEqual([["resource policy, Rego v0", ...counts, count]]);
    expect(page).toContain(`answers ${count} requests differently`);
    const sizeOf = ({ data, token }: AccessRequest): number => JSON.stringify([data, token]).length;
    const [smallest] = different
      .filter((request) => !toBeAllowed(request))
      .sort((one, other) => sizeOf(one) - sizeOf(other));
    expect(page).toContain(`  data      ${JSON.stringify(smallest?.data)}\n`);
    expect(page).toContain(`  token     ${JSON.stringify(smallest?.token)}\n`);
    const { why } = decide(rules, smallest?.data ?? {}, smallest?.token);
    expect(page).toContain(`  expected  denied: ${decisionWords[why]}\n`);
  });
});
