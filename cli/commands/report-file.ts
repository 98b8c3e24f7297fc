import { writeFile } from "node:fs/promises";
import { messageOf } from "../../core/records.ts";
import { UsageError } from "./run.ts";

/**
 * Writes a report for a machine.
 * @throws UsageError if it cannot be written
 */
export async function writeReport(file: string, content: string): Promise<void> {
  try {
    await writeFile(file, content);
  } catch (error) {
    throw new UsageError(`Cannot write ${file}: ${messageOf(error)}`);
  }
}
