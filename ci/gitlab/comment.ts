import { readFile } from "node:fs/promises";

/**
 * Comments a file on the merge request of the pipeline: one comment, kept up to date. Needs TRUSTEE_ACCESS_COMMENT_TOKEN, a
 * project access token with the scope `api`.
 * @see https://docs.gitlab.com/api/notes/
 */
interface Note {
  readonly id: number;
  readonly body: string;
}

function variable(name: string): string {
  const value = process.env[name];
  if (value !== undefined && value !== "") return value;
  throw new Error(`${name} is not set: run this in a merge request's pipeline (docs/ci.md).`);
}

const notes = `${variable("CI_API_V4_URL")}/projects/${variable("CI_PROJECT_ID")}/merge_requests/${variable("CI_MERGE_REQUEST_IID")}/notes`;
const token = variable("TRUSTEE_ACCESS_COMMENT_TOKEN");

async function call(method: string, url: string, body?: string): Promise<Response> {
  const response = await fetch(url, {
    method,
    headers: { "PRIVATE-TOKEN": token, "Content-Type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify({ body }) }),
  });
  if (!response.ok) throw new Error(`GitLab answered ${response.status} to ${method} ${url}`);
  return response;
}

async function findNote(mark: string): Promise<Note | undefined> {
  for (let page = "1"; page !== "";) {
    const response = await call("GET", `${notes}?per_page=100&page=${page}`);
    const own = ((await response.json()) as readonly Note[]).find(({ body }) => body.startsWith(mark));
    if (own !== undefined) return own;
    page = response.headers.get("x-next-page") ?? "";
  }
  return undefined;
}

const body = await readFile(process.argv[2] ?? "access.md", "utf8");
const [mark = ""] = body.split("\n");
const own = await findNote(mark);
await (own === undefined ? call("POST", notes, body) : call("PUT", `${notes}/${own.id}`, body));
