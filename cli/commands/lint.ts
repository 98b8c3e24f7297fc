import { Command, Option } from "commander";
import { isAtLeast, severities, type Severity } from "../lint/finding.ts";
import { junit } from "../lint/junit.ts";
import { lintCases, lintText } from "../lint/report.ts";
import { lint } from "../lint/lint.ts";
import { sarif } from "../lint/sarif.ts";
import { keysOf } from "../audit/trustee-view.ts";
import { operatorName } from "../../core/trustee/seen.ts";
import { shownJson } from "../../core/shown.ts";
import { addSideOptions, connectSides, type SideOptions, type Sides } from "../live/connect.ts";
import { readPods, readStackPods, type SeenPods } from "../live/read-pods.ts";
import { readFacts } from "../live/read-facts.ts";
import { print, printJson, run, writeReport } from "./run.ts";
import project from "../../package.json" with { type: "json" };

interface LintOptions extends SideOptions {
  readonly podsNamespace?: readonly string[];
  /** False with --no-pods. */
  readonly pods: boolean;
  readonly json?: true;
  readonly sarif?: string;
  readonly junit?: string;
  readonly failOn: Severity;
}

/** The pods of the named namespaces, else of the stack's, else of all. */
async function seePods(
  { pods: wanted, podsNamespace = [] }: LintOptions,
  { pods: kube, stack }: Sides,
): Promise<SeenPods> {
  if (!wanted) return { pods: undefined };
  if (podsNamespace.length > 0) {
    return { pods: await readPods(kube, podsNamespace), namespaces: podsNamespace };
  }
  return stack === undefined ? { pods: await readPods(kube, []) } : readStackPods(kube, stack);
}

async function lintLive(options: LintOptions): Promise<boolean> {
  const sides = await connectSides(options);
  const facts = await readFacts(sides, () => seePods(options, sides));
  const findings = lint(facts);
  const scope = {
    namespace: facts.trustee.namespace,
    generation: operatorName(facts.trustee.seen ?? {}, keysOf(facts.trustee)),
    pods: facts.pods?.length,
    namespaces: facts.namespaces,
  };
  if (options.sarif !== undefined) {
    const document = sarif(findings, project.version);
    await writeReport(options.sarif, `${shownJson(document)}\n`);
  }
  if (options.junit !== undefined) {
    await writeReport(options.junit, junit("lint", lintCases(findings, options.failOn)));
  }
  const ok = !findings.some(({ severity }) => isAtLeast(severity, options.failOn));
  if (options.json === true) printJson({ ok, ...scope, findings });
  else print(lintText(findings, scope));
  return ok;
}

/** `trustee-access lint`: finds problems of a live Trustee with any policy. */
export function lintCommand(): Command {
  const command = new Command("lint").description(
    "Finds problems of a live Trustee, with any policy: stale digests, expiring values, open secrets.",
  );
  return addSideOptions(command)
    .option(
      "--pods-namespace <names...>",
      "check only the pods of these namespaces (default: those of the stack, else all)",
    )
    .option("--no-pods", "do not check the pods")
    .option("--json", "print the findings as JSON")
    .option("--sarif <file>", "also write the findings as SARIF 2.1.0")
    .option("--junit <file>", "also write the findings as a JUnit report")
    .addOption(
      new Option("--fail-on <severity>", "the mildest severity that fails")
        .choices(severities)
        .default("error"),
    )
    .addHelpText(
      "after",
      "\nReads only, and never a Secret's content. OPA (on the PATH, or named in\n" +
        "$TRUSTEE_ACCESS_OPA) evaluates the policy.\n" +
        "Exit code: 0 if no finding is --fail-on or worse, 1 if one is,\n" +
        "2 if it could not run.",
    )
    .action((options: LintOptions) => run(() => lintLive(options)));
}
