import { commitLine } from "../commit-line.ts";
import { get, list, mergeRequest, ownComment, variable } from "./api.ts";

/**
 * Prints --allow-opens if the label access-opens-approved approves the commit of this pipeline. It does if:
 * - it was set after the comment that names this commit and shows its matrix; an older label was for another
 *   commit
 * - it was not removed
 * - it was not set by the account that comments
 * @see https://docs.gitlab.com/api/resource_label_events/
 * @see https://docs.gitlab.com/api/merge_requests/#get-single-mr
 */
interface LabelEvent {
  readonly action: "add" | "remove";
  readonly created_at: string;
  readonly label: { readonly name: string } | null;
  readonly user: { readonly id: number };
}

const LABEL = "access-opens-approved";

const commit = variable("TRUSTEE_ACCESS_HEAD");
const time = (text: string): number => Date.parse(text);

const [{ me, comment }, events, { sha: head }] = await Promise.all([
  ownComment(),
  list<LabelEvent>(`${mergeRequest}/resource_label_events`),
  get<{ readonly sha: string }>(mergeRequest),
]);
const last = events
  .filter(({ label }) => label?.name === LABEL)
  .toSorted((a, b) => time(a.created_at) - time(b.created_at))
  .at(-1);
if (
  head === commit &&
  last?.action === "add" &&
  last.user.id !== me &&
  comment?.body.split(/\r?\n/)[1] === commitLine(commit) &&
  time(last.created_at) > time(comment.updated_at)
) {
  process.stdout.write("--allow-opens\n");
}
