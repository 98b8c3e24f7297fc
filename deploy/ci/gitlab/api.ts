/** A variable of the pipeline. @throws Error if it is not set */
export function variable(name: string): string {
  const value = process.env[name];
  if (value !== undefined && value !== "") return value;
  throw new Error(`${name} is not set: run this in a merge request's pipeline (docs/ci.md).`);
}

const server = variable("CI_API_V4_URL");
const token = variable("TRUSTEE_ACCESS_COMMENT_TOKEN");

/** The merge request of the pipeline, below the API's address. */
export const mergeRequest = `/projects/${variable("CI_PROJECT_ID")}/merge_requests/${variable("CI_MERGE_REQUEST_IID")}`;

/** Calls GitLab's API. @throws Error if the response is not a success */
export async function call(method: string, path: string, body?: object): Promise<Response> {
  const response = await fetch(`${server}${path}`, {
    method,
    headers: { "PRIVATE-TOKEN": token, "Content-Type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(`GitLab answered ${response.status} to ${method} ${path}`);
  return response;
}

/** All items of a paginated list. @see https://docs.gitlab.com/api/rest/#pagination */
export async function list<Item>(path: string): Promise<readonly Item[]> {
  const items: Item[] = [];
  for (let page = "1"; page !== "";) {
    const response = await call("GET", `${path}?per_page=100&page=${page}`);
    items.push(...((await response.json()) as readonly Item[]));
    page = response.headers.get("x-next-page") ?? "";
  }
  return items;
}

export async function get<Item>(path: string): Promise<Item> {
  return (await (await call("GET", path)).json()) as Item;
}

/** A comment on the merge request. GitLab calls it a note. */
interface Note {
  readonly id: number;
  readonly body: string;
  readonly updated_at: string;
  readonly author: { readonly id: number };
}

export const notes = `${mergeRequest}/notes`;

/** The first line of this project's comment. */
const MARK = "<!-- trustee-access: the access matrix -->";

/**
 * The token's user, and its comment with the mark. Comments of other users can have the mark too, and are
 * ignored.
 */
export async function ownComment(
  mark = MARK,
): Promise<{ readonly me: number; readonly comment: Note | undefined }> {
  const { id: me } = await get<{ readonly id: number }>("/user");
  const all = await list<Note>(notes);
  return { me, comment: all.find((note) => note.author.id === me && note.body.startsWith(mark)) };
}
