import { execa } from "execa";
import { FIX_PREVIEW, isReadEvent, previewErrors } from "../diff/preview.ts";
import { UserError } from "../../core/issues.ts";
import { needPulumi } from "./stack.ts";

/** Only the event stream has the outputs; plain --json does not. */
const STREAMING = { PULUMI_ENABLE_STREAMING_JSON_PREVIEW: "true" };

/**
 * Runs `pulumi preview`. Its stream has all debug messages of the SDK, with every secret value in base64. So
 * it is never written to a file, and unused events are dropped at once.
 * @param stack @default the selected one
 * @returns the needed events, one a line
 * @throws UserError with only pulumi's errors, if the preview failed
 */
export async function runPreview(stack: string | undefined): Promise<string> {
  const selected = stack === undefined ? [] : ["--stack", stack];
  const { stdout, stderr, exitCode, code } = await execa(
    "pulumi",
    ["preview", "--json", "--non-interactive", ...selected],
    {
      env: STREAMING,
      reject: false,
      stdout: function* (line: unknown) {
        if (typeof line === "string" && isReadEvent(line)) yield line;
      },
    },
  );
  needPulumi(code);
  if (exitCode === 0) return stdout;
  const errors = previewErrors(stdout);
  throw new UserError(
    "TA955",
    `The preview failed: ${errors.length > 0 ? errors.join("\n") : stderr.trim()}\n${FIX_PREVIEW}`,
  );
}
