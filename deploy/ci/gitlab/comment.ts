import { readFile } from "node:fs/promises";
import { call, notes, ownComment } from "./api.ts";

/**
 * Comments files on the merge request of the pipeline: one comment, kept up to date. Of the first file the first line is the mark that it is
 * found by; the others come after that line. Needs TRUSTEE_ACCESS_COMMENT_TOKEN, a project access token with the scope `api`. A comment
 * that says the same already is left alone, since an approval counts only if it is younger than what it approves.
 * @see https://docs.gitlab.com/api/notes/
 */

/** GitLab takes no longer note. */
const LIMIT = 1_000_000;
const CUT = "\n\nThis comment is cut, since GitLab takes no longer one: the log of the job has everything.\n";

const [matrix = "", ...more] = await Promise.all(
  process.argv.slice(2).map(async (file) => readFile(file, "utf8")),
);
const [mark = "", ...rest] = matrix.split("\n");
const whole = [mark, ...more, ...rest].join("\n");
const body = whole.length > LIMIT ? whole.slice(0, LIMIT - CUT.length) + CUT : whole;
const { comment } = await ownComment(mark);
if (comment === undefined) await call("POST", notes, { body });
else if (comment.body.trim() !== body.trim()) await call("PUT", `${notes}/${comment.id}`, { body });
