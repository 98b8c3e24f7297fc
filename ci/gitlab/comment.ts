import { readFile } from "node:fs/promises";
import { call, list, mergeRequest } from "./api.ts";

/**
 * Comments a file on the merge request of the pipeline: one comment, kept up to date. Needs TRUSTEE_ACCESS_COMMENT_TOKEN, a
 * project access token with the scope `api`.
 * @see https://docs.gitlab.com/api/notes/
 */
interface Note {
  readonly id: number;
  readonly body: string;
  readonly author: { readonly id: number };
}

/** GitLab takes no longer note. */
const LIMIT = 1_000_000;
const CUT = "\n\nThis comment is cut, since GitLab takes no longer one: the log of the job has everything.\n";

const whole = await readFile(process.argv[2] ?? "access.md", "utf8");
const body = whole.length > LIMIT ? whole.slice(0, LIMIT - CUT.length) + CUT : whole;
const [mark = ""] = body.split("\n");
const { id: me } = (await (await call("GET", "/user")).json()) as { readonly id: number };
const notes = `${mergeRequest}/notes`;
// The token's own: anybody may begin a comment by the mark.
const own = (await list<Note>(notes)).find((note) => note.author.id === me && note.body.startsWith(mark));
await (own === undefined ? call("POST", notes, { body }) : call("PUT", `${notes}/${own.id}`, { body }));
