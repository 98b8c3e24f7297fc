import { list, mergeRequest, variable } from "./api.ts";

/**
 * Prints --allow-opens if the label access-opens-approved was given to the merge request after the commit of this pipeline was
 * pushed, and is still there; else nothing. A label that is older was given for another commit.
 * @see https://docs.gitlab.com/api/resource_label_events/
 * @see https://docs.gitlab.com/api/merge_requests/#get-merge-request-diff-versions
 */
interface LabelEvent {
  readonly action: "add" | "remove";
  readonly created_at: string;
  readonly label: { readonly name: string } | null;
}
interface Version {
  readonly head_commit_sha: string;
  readonly created_at: string;
}

const LABEL = "access-opens-approved";

// In a pipeline of merged results the commit itself is a merge that was made for it.
const merged = process.env["CI_MERGE_REQUEST_SOURCE_BRANCH_SHA"];
const commit = merged === undefined || merged === "" ? variable("CI_COMMIT_SHA") : merged;

const [events, versions] = await Promise.all([
  list<LabelEvent>(`${mergeRequest}/resource_label_events`),
  list<Version>(`${mergeRequest}/versions`),
]);
const time = (text: string): number => Date.parse(text);
const last = events
  .filter(({ label }) => label?.name === LABEL)
  .toSorted((a, b) => time(a.created_at) - time(b.created_at))
  .at(-1);
const newest = versions.toSorted((a, b) => time(a.created_at) - time(b.created_at)).at(-1);
if (
  last?.action === "add" &&
  newest?.head_commit_sha === commit &&
  time(last.created_at) > time(newest.created_at)
) {
  process.stdout.write("--allow-opens\n");
}
