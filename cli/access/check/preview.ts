import { execa, ExecaError } from "execa";
import { z } from "zod";
import { parseJson } from "../../../core/json.ts";
import { otherSecretsModes } from "../../../core/policy/grants.ts";
import { joinPolicy } from "../../../core/policy/share.ts";
import type { StackOutputs } from "../../stack.ts";
import { UsageError } from "../run.ts";
import type { PolicyText } from "./source.ts";

/** A step of a preview; what its resource is like depends on the resource. */
const previewSchema = z.object({
  steps: z
    .array(z.object({ op: z.string(), urn: z.string(), oldState: z.unknown(), newState: z.unknown() }))
    .default([]),
});

const writtenSchema = z
  .object({ outputs: z.object({ liveContent: z.string().nullish() }).optional() })
  .nullish();

const wantedSchema = z
  .object({
    inputs: z
      .object({
        policy: z
          .object({
            stack: z.string(),
            others: z.enum(otherSecretsModes),
            secrets: z.record(z.string(), z.record(z.string(), z.record(z.string(), z.string()))),
          })
          .optional(),
      })
      .optional(),
  })
  .nullish();

/** The resource that holds the policy, whatever its parents are called. */
const POLICY = /\$?trustee:index:ConfigMapEntry::/;

async function runPreview(stack: string): Promise<unknown> {
  const args = ["preview", "--json", "--non-interactive", "--stack", stack];
  try {
    const { stdout } = await execa("pulumi", args);
    return JSON.parse(stdout);
  } catch (error) {
    if (!(error instanceof ExecaError)) throw error;
    const said = z.object({ diagnostics: z.array(z.object({ message: z.string() })).default([]) });
    const parsed = said.safeParse(parseJson(String(error.stdout)));
    const messages = parsed.success ? parsed.data.diagnostics.map(({ message }) => message.trim()) : [];
    throw new UsageError(
      `The preview failed: ${[...messages, String(error.stderr).trim()].join("\n").trim()}`,
    );
  }
}

/** The policy that the next `pulumi up` would write, and the stack with the grants that it would have. */
export async function readPlannedPolicy(stack: StackOutputs): Promise<PolicyText> {
  const { steps } = previewSchema.parse(await runPreview(stack.grants.stack));
  const step = steps.findLast(({ op, urn }) => op !== "refresh" && POLICY.test(urn));
  const grants = wantedSchema.parse(step?.newState)?.inputs?.policy;
  const live = writtenSchema.parse(step?.oldState)?.outputs?.liveContent ?? stack.resourcePolicy;
  const text = grants === undefined ? live : joinPolicy(live, grants);
  const from = `the stack ${stack.grants.stack}, as the next pulumi up would deploy it`;
  return { text, from, stack: { ...stack, ...(grants === undefined ? {} : { grants }) }, deployed: false };
}
