import { z } from "zod";
import type { AccessReport } from "./matrix.ts";
import { allowedReasons, deniedReasons } from "./model.ts";

/** What a stack's outputs say of access, as far as a comparison needs it. */
const outputsSchema = z.object({
  access: z.record(z.string(), z.record(z.string(), z.enum([...allowedReasons, ...deniedReasons]))),
  accessChanges: z.array(z.string()).default([]),
});

/** What a preview says of access: what is deployed, and what would be. */
export interface PreviewedAccess {
  /** Absent: nothing is deployed yet. */
  readonly before?: AccessReport;
  readonly after: AccessReport;
  /** The program's own comparison with the live policy, as lines. */
  readonly changes: readonly string[];
}

/** A preview or outputs that cannot be read; the message says what to do. */
export class PreviewError extends Error {
  override readonly name = "PreviewError";
}

const stateSchema = z.object({ outputs: z.unknown() }).nullish();
const eventSchema = z.object({
  resOutputsEvent: z
    .object({
      metadata: z.object({ type: z.string(), op: z.string(), old: stateSchema, new: stateSchema }),
    })
    .optional(),
  summaryEvent: z.looseObject({}).optional(),
});
type Event = z.output<typeof eventSchema>;

const HOW =
  "Make it with: PULUMI_ENABLE_STREAMING_JSON_PREVIEW=true pulumi preview --json > preview.json (the plain --json has " +
  "no outputs).";

function parseEvents(text: string): readonly Event[] {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  return lines.map((line) => {
    try {
      return eventSchema.parse(JSON.parse(line));
    } catch {
      throw new PreviewError(`The preview is no stream of pulumi's JSON events. ${HOW}`);
    }
  });
}

/**
 * Reads the events of a `pulumi preview --json`.
 * @param text one JSON document a line
 * @throws PreviewError
 */
export function readPreview(text: string): PreviewedAccess {
  const events = parseEvents(text);
  const stack = events
    .flatMap(({ resOutputsEvent }) => resOutputsEvent?.metadata ?? [])
    .findLast(({ type, op }) => type === "pulumi:pulumi:Stack" && op !== "refresh");
  if (stack === undefined) {
    throw new PreviewError(
      `The preview has no outputs of the stack: it failed, or it was made otherwise. Look at what pulumi said. ${HOW}`,
    );
  }
  const after = outputsSchema.safeParse(stack.new?.outputs);
  if (!after.success) {
    throw new PreviewError(`The previewed outputs have no access matrix: this is no stack of this project.`);
  }
  const before = outputsSchema.safeParse(stack.old?.outputs);
  return {
    ...(before.success ? { before: before.data.access } : {}),
    after: after.data.access,
    changes: after.data.accessChanges,
  };
}

/**
 * The access matrix among a stack's outputs.
 * @param text what `pulumi stack output --json` prints; of a stack that was never deployed, `{}`
 * @throws PreviewError
 */
export function readDeployed(text: string): AccessReport | undefined {
  let outputs: unknown;
  try {
    outputs = JSON.parse(text);
  } catch {
    throw new PreviewError("The deployed outputs are no JSON. Make them with: pulumi stack output --json");
  }
  if (z.strictObject({}).safeParse(outputs).success) return undefined;
  const parsed = outputsSchema.safeParse(outputs);
  if (parsed.success) return parsed.data.access;
  throw new PreviewError("The deployed outputs have no access matrix: this is no stack of this project.");
}
