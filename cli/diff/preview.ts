import { z } from "zod";
import { stackOutputs } from "../../core/plan/outputs.ts";
import { defined, parseJson } from "../../core/records.ts";
import { UserError } from "../../core/issues.ts";

/** A stack's outputs about access. Those that an older release does not have are empty. */
const outputsSchema = z.object({
  access: stackOutputs.shape.access,
  initData: stackOutputs.shape.initData.default({}),
  annotations: stackOutputs.shape.annotations.default({}),
  pods: z
    .record(z.string(), stackOutputs.shape.pods.valueType.pick({ deployed: true, agentPolicy: true }))
    .default({}),
  otherReaders: stackOutputs.shape.otherReaders,
  accessChanges: stackOutputs.shape.accessChanges,
});

/** The outputs about access of one deployment. */
export type AccessOutputs = z.output<typeof outputsSchema>;

/** The deployed and the previewed outputs about access. */
export interface PreviewedAccess {
  /** Absent: not deployed yet. */
  readonly before?: AccessOutputs;
  /** `accessChanges` is the program's comparison with the live policy. */
  readonly after: AccessOutputs;
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
  "Omit --events to run the preview here, or pipe the events in: " +
  "PULUMI_ENABLE_STREAMING_JSON_PREVIEW=true pulumi preview --json | npx trustee-access diff --events - " +
  "(the plain --json has no outputs).";

/** What to do if a preview failed. */
export const FIX_PREVIEW = "Fix pulumi's error, then run again.";

/** Whether a line may be a needed event. The others, mainly debug messages, contain secrets. */
export function isReadEvent(line: string): boolean {
  return /"resOutputsEvent"\s*:|"severity"\s*:\s*"error"/.test(line);
}

const errorSchema = z.object({
  diagnosticEvent: z.object({ message: z.string(), severity: z.literal("error") }),
});

/** The errors in the events of a preview. */
export function previewErrors(events: string): readonly string[] {
  return events.split("\n").flatMap((line) => {
    const parsed = errorSchema.safeParse(parseJson(line));
    // Colours have the form <{%fg 1%}>.
    return parsed.success ? [parsed.data.diagnosticEvent.message.replaceAll(/<\{%.*?%\}>/g, "").trim()] : [];
  });
}

function parseEvents(text: string): readonly Event[] {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  return lines.map((line) => {
    try {
      return eventSchema.parse(JSON.parse(line));
    } catch {
      throw new UserError("TA955", `The input is not a stream of pulumi's JSON events. ${HOW}`);
    }
  });
}

/**
 * The stack's unchecked outputs in the events of `pulumi preview --json`.
 * @param text one JSON document a line
 * @throws UserError
 */
export function previewedOutputs(text: string): { readonly before: unknown; readonly after: unknown } {
  const events = parseEvents(text);
  const errors = previewErrors(text);
  if (errors.length > 0)
    throw new UserError("TA955", `The preview failed: ${errors.join("\n")}\n${FIX_PREVIEW}`);
  const stack = events
    .flatMap(({ resOutputsEvent }) => resOutputsEvent?.metadata ?? [])
    .findLast(({ type, op }) => type === "pulumi:pulumi:Stack" && op !== "refresh");
  if (stack === undefined) {
    throw new UserError(
      "TA955",
      `The preview has no stack outputs: it failed or has another format. Check pulumi's messages. ${HOW}`,
    );
  }
  return { before: stack.old?.outputs, after: stack.new?.outputs };
}

/**
 * Reads the events of `pulumi preview --json`.
 * @param text one JSON document a line
 * @throws UserError
 */
export function readPreview(text: string): PreviewedAccess {
  const outputs = previewedOutputs(text);
  const after = outputsSchema.safeParse(outputs.after);
  if (!after.success) {
    throw new UserError(
      "TA954",
      "The previewed outputs have no access matrix: this is not a stack of this project, or its program does not export all outputs of declareTrusteeAccess.",
    );
  }
  const before = outputsSchema.safeParse(outputs.before);
  return { ...defined({ before: before.data }), after: after.data };
}

/**
 * Reads a stack's outputs about access.
 * @param text from `pulumi stack output --json`; `{}` if the stack was never deployed
 * @throws UserError
 */
export function readDeployed(text: string): AccessOutputs | undefined {
  const outputs = parseJson(text);
  if (outputs === undefined) {
    throw new UserError(
      "TA954",
      "The deployed outputs are not JSON. Create them with: pulumi stack output --json",
    );
  }
  if (z.strictObject({}).safeParse(outputs).success) return undefined;
  const parsed = outputsSchema.safeParse(outputs);
  if (parsed.success) return parsed.data;
  throw new UserError(
    "TA954",
    "The deployed outputs have no access matrix: this is not a stack of this project, or its program does not export all outputs of declareTrusteeAccess.",
  );
}
