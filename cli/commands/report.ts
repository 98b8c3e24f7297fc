import { Command, InvalidArgumentError } from "commander";
import type { Finding } from "../lint/finding.ts";
import { lint } from "../lint/lint.ts";
import { connect } from "../live/connect.ts";
import { readFacts } from "../live/read-facts.ts";
import { readStackPods } from "../live/read-pods.ts";
import { defined } from "../../core/records.ts";
import { contentOf } from "../report/content.ts";
import { accessPage } from "../report/page.ts";
import { matrixSvg } from "../report/svg.ts";
import { readStack } from "../live/stack.ts";
import type { StackOutputs } from "../../core/plan/outputs.ts";
import { printJson, run, writeReport } from "./run.ts";
import { UserError } from "../../core/issues.ts";

interface Options {
  readonly stack?: string;
  readonly out?: string;
  readonly svg?: string;
  readonly audit?: true;
  readonly at?: Date;
  readonly json?: true;
}

function time(text: string): Date {
  const at = text === "now" ? new Date() : new Date(text);
  if (Number.isNaN(at.getTime()))
    throw new InvalidArgumentError('Give "now" or a time such as 2026-01-31T12:00:00Z.');
  return at;
}

/** The findings of `trustee-access lint` for a stack. */
async function audit(stack: StackOutputs): Promise<readonly Finding[]> {
  const sides = connect({}, stack);
  return lint(await readFacts(sides, () => readStackPods(sides.pods, stack)));
}

async function report({ stack: name, out, svg, audit: audited, at, json }: Options): Promise<boolean> {
  if (out === undefined && svg === undefined && json === undefined) {
    throw new UserError("TA951", "Name an output: --out for a page, --svg for the picture alone, or --json.");
  }
  if (out === undefined && json === undefined && (audited === true || at !== undefined)) {
    throw new UserError("TA951", "--audit and --at add to the page. Add --out <file>, or remove them.");
  }
  const stack = await readStack(name);
  const content = {
    ...contentOf(stack),
    ...(audited === true ? { findings: await audit(stack) } : {}),
    ...defined({ at }),
  };
  if (svg !== undefined) {
    // The page shows other readers in a section of its own.
    const picture = matrixSvg(content.matrix, { title: content.stack, others: stack.otherReaders });
    await writeReport(svg, picture);
  }
  if (out !== undefined) await writeReport(out, accessPage(content));
  const written = [out, svg].filter((file) => file !== undefined);
  if (json === true) printJson({ ...content, written });
  else for (const file of written) process.stdout.write(`Written: ${file}\n`);
  return true;
}

/** `trustee-access report`: writes the access matrix as a page or a picture. */
export function reportCommand(): Command {
  return new Command("report")
    .description("Writes the access matrix of a stack as one self-contained page, as a picture or as JSON.")
    .option("-s, --stack <name>", "the stack (default: the selected one)")
    .option("--out <file>", "write the page: HTML")
    .option("--svg <file>", "write the picture alone: SVG")
    .option("--audit", "also show what trustee-access lint finds in the live Trustee")
    .option("--at <time>", '"now" or a time: shows the days until the reference values expire', time)
    .option("--json", "print the page's content as JSON, without a file if --out and --svg are absent")
    .addHelpText("after", "\nExit code: 0 if it was written, 2 if it could not run.")
    .action((options: Options) => run(() => report(options)));
}
