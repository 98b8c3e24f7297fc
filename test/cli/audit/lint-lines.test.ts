import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { joinPolicy } from "../../../core/policy/share.ts";
import { facts, podFixture, tutorialGrants } from "../../fixtures/live-facts.ts";
import { lines, POLICY, withPolicy } from "./support.ts";
import { stackGrants } from "../../fixtures/grants.ts";

/** What lint says of a policy's own lines. */
const found = (policy: string): readonly string[] =>
  lines(facts(withPolicy(policy), [podFixture("pod1")]), / TA0(?:09|1\d) /);

const where = `${POLICY}, policy.rego`;
const untrue = `error TA009 ${where}: The policy's rules do not match the grants of its stacks.`;

describe("a policy of this project's", () => {
  it("has no finding if its rules match its grants", () => {
    expect(found(tutorialGrants)).toEqual([]);
  });

  it.each<[string, (text: string) => string]>([
    ["a rule allows everybody", (text) => text.replace("default allow = false", "default allow = true")],
    ["a condition is gone", (text) => text.replace("  affirming\n", "")],
    [
      "a rule asks the network",
      (text) => `${text}\nallow if { http.send({"url": "https://x"}).status_code == 200 }\n`,
    ],
    [
      "the table has a reader more",
      (text) => text.replace(/("p2-secret": \{\n\s+"\*": \{\n\s+"azure-vtpm": \{)/, '$1 "ff": "spy",'),
    ],
    ["a stack's line is gone", (text) => text.replace(/^# trustee-access: stack .*\n/m, "")],
    ["what was there before is gone", (text) => text.replace(/^# trustee-access: before .*\n/m, "")],
  ])("is an error once %s", (_, edit) => {
    expect(edit(tutorialGrants)).not.toBe(tutorialGrants);
    expect(found(edit(tutorialGrants))).toEqual([untrue]);
  });

  it("is an error if a line cannot be read, with the line and its stack", () => {
    expect(found(tutorialGrants.replace('"others":"affirming"', '"others":"\\u001b[2J"'))).toEqual([
      `error TA009 ${where}: Grants in the policy cannot be read, so its rules do not match them: line 7, of the stack organization/trustee-access/dev.`,
    ]);
  });

  it("that grants something to a reader without hardware is a warning, with its stack", () => {
    const dev = { "*": { sample: { aa: "dev", bb: "\u001b[2J" }, snp: { cc: "bare" } } };
    expect(found(joinPolicy(tutorialGrants, stackGrants("o/p/dev", { dev })))).toEqual([
      `warning TA010 ${where}: The policy grants secrets to \\u{1b}\\u{5b}2J, dev of the stack o/p/dev (sample: not attested by hardware).`,
    ]);
  });

  it("of the previous release is a warning for each stack until that stack's next up", () => {
    const earlier = readFileSync(
      join(import.meta.dirname, "..", "..", "fixtures", "earlier-policy.rego"),
      "utf8",
    );
    const older = (stack: string, readers: string): string =>
      `warning TA011 ${where}: The grants of the stack ${stack} were written by an older release: they accept the digests of ${readers} from any TEE.`;
    expect(found(earlier)).toEqual([older("org/p/one", "pod1"), older("org/p/two", "metal, pod2")]);
    const one = { stack: "org/p/one", others: "affirming", secrets: {} } as const;
    expect(found(joinPolicy(earlier, one))).toEqual([older("org/p/two", "metal, pod2")]);
  });

  it("is distinguished from a foreign policy", () => {
    expect(found("package policy\ndefault allow = true\n")).toEqual([]);
  });
});
