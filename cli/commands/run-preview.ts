import { execa } from "execa";
import { isReadEvent, previewErrors } from "../diff/preview.ts";
import { UsageError } from "./run.ts";

/** The events have the outputs, which the plain --json has not. */
const STREAMING = { PULUMI_ENABLE_STREAMING_JSON_PREVIEW: "true" };

/**
 * Runs `pulumi preview`. Its stream holds every debug message of the SDK, and in these every secret value that the program handles, in
 * base64: so it is written to no file, and what is not read is dropped as it comes.
 * @param stack @default the selected one
 * @returns the events that are read of it, one a line
 * @throws UsageError with pulumi's errors, and no more of the stream, if the preview failed
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
  if (code === "ENOENT") {
    throw new UsageError("pulumi is not on PATH. Install the Pulumi CLI, or eval the sandbox's environment.");
  }
  if (exitCode === 0) return stdout;
  const errors = previewErrors(stdout);
  throw new UsageError(`The preview failed: ${errors.length > 0 ? errors.join("\n") : stderr.trim()}`);
}
