import { readFile } from "node:fs/promises";
import { call, notes, ownComment } from "./api.ts";

/**
 * Creates or updates one comment on the merge request of the pipeline.
 * - The first line of the first file is the mark that identifies the comment. The other files follow that
 *   line.
 * - It needs TRUSTEE_ACCESS_COMMENT_TOKEN, a project access token with the scope `api`.
 * - An unchanged comment is not updated, because an approval must be newer than its comment.
 * @see https://docs.gitlab.com/api/notes/
 */

/** GitLab's limit for a note. */
const LIMIT = 1_000_000;
const CUT =
  "\n\nThis comment is truncated, because GitLab limits its length. The log of the job has the full text.\n";

const [matrix = "", ...more] = await Promise.all(
  process.argv.slice(2).map(async (file) => readFile(file, "utf8")),
);
const [mark = "", ...rest] = matrix.split("\n");
const whole = [mark, ...more, ...rest].join("\n");
const body = whole.length > LIMIT ? whole.slice(0, LIMIT - CUT.length) + CUT : whole;
const { comment } = await ownComment(mark);
if (comment === undefined) await call("POST", notes, { body });
else if (comment.body.trim() !== body.trim()) await call("PUT", `${notes}/${comment.id}`, { body });
