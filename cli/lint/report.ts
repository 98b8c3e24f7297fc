import {
  isAtLeast,
  placeText,
  rules,
  severities,
  type Finding,
  type RuleId,
  type Severity,
} from "./finding.ts";
import type { JunitCase } from "./junit.ts";
import { counted } from "../../core/shown.ts";

/** What was checked, for the last line of a report. */
export interface LintScope {
  readonly namespace: string;
  readonly generation: string;
  /** Pods with initdata; `undefined`: not checked. */
  readonly pods: number | undefined;
  /** The namespaces whose pods were checked; `undefined`: all. */
  readonly namespaces?: readonly string[] | undefined;
}

function block({ id, severity, where, what, why, fix }: Finding): string {
  return `${severity.padEnd(7)} ${id}  ${placeText(where)}
  ${what}
  why: ${why}
  fix: ${fix}
`;
}

/** The report as text: a block for each finding, worst first, and a line of totals. */
export function lintText(findings: readonly Finding[], scope: LintScope): string {
  const counts = severities.map((severity) =>
    counted(findings.filter((finding) => finding.severity === severity).length, severity),
  );
  const { namespaces } = scope;
  const only =
    namespaces === undefined ? "" : ` of ${namespaces.join(", ")}; other namespaces were not checked`;
  const pods = scope.pods === undefined ? "pods were not checked" : counted(scope.pods, "pod") + only;
  const total = `${counts.join(", ")} (Trustee ${scope.generation} in ${scope.namespace}, ${pods}).`;
  return [...findings.map(block), total].join("\n");
}

/** One case for each rule. It fails if one of its findings is `failOn` or worse. */
export function lintCases(findings: readonly Finding[], failOn: Severity): readonly JunitCase[] {
  return (Object.keys(rules) as RuleId[]).map((id): JunitCase => {
    const own = findings.filter((finding) => finding.id === id);
    const bad = own.filter(({ severity }) => isAtLeast(severity, failOn));
    const mild = own.filter(({ severity }) => !isAtLeast(severity, failOn));
    const [first] = bad;
    return {
      group: "lint",
      name: `${id} ${rules[id]}`,
      ...(first === undefined ? {} : { failure: { message: first.what, text: bad.map(block).join("\n") } }),
      ...(mild.length === 0 ? {} : { output: mild.map(block).join("\n") }),
    };
  });
}
