import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { execa } from "execa";
import { describe, expect, it } from "vitest";
import { listening } from "../support/listening.ts";
import { COMMENT_MARK } from "./support/workflows.ts";

const LABEL = "access-opens-approved";
const HEAD = "0123456789abcdef0123456789abcdef01234567";

/** Runs a program of GitLab's workflow against a fake GitLab with these answers by path. */
async function runGitlab(
  program: string,
  answers: Readonly<Record<string, readonly (readonly object[])[] | object>>,
  ...files: readonly string[]
): Promise<{ readonly stdout: string; readonly stderr: string; readonly wrote: readonly string[] }> {
  const wrote: string[] = [];
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "", "http://gitlab");
    let sent = "";
    request.on("data", (part: Buffer) => (sent += part.toString("utf8")));
    request.on("end", () => {
      const answer = answers[pathname];
      if (
        request.headers["private-token"] !== "token" ||
        (answer === undefined && request.method === "GET")
      ) {
        response.writeHead(404).end();
        return;
      }
      if (request.method !== "GET") wrote.push(`${request.method ?? ""} ${pathname} ${sent}`);
      const page = Number(searchParams.get("page") ?? "1");
      const pages = Array.isArray(answer) ? (answer as readonly unknown[]) : [answer ?? {}];
      const next = page < pages.length ? { "x-next-page": String(page + 1) } : {};
      response
        .writeHead(200, { "content-type": "application/json", ...next })
        .end(JSON.stringify(pages[page - 1]));
    });
  });
  const port = await listening(server);
  const { stdout, stderr } = await execa(process.execPath, [program, ...files], {
    env: {
      CI_API_V4_URL: `http://127.0.0.1:${port}`,
      CI_PROJECT_ID: "5",
      CI_MERGE_REQUEST_IID: "7",
      TRUSTEE_ACCESS_HEAD: HEAD,
      TRUSTEE_ACCESS_COMMENT_TOKEN: "token",
    },
    reject: false,
  });
  return { stdout, stderr, wrote };
}

describe("GitLab", () => {
  const at = "/projects/5/merge_requests/7";

  const notes = `${at}/notes`;
  /** Runs comment.ts as account 4. @param pages of the comments so far */
  const comment = async (pages: readonly (readonly object[])[], ...files: readonly string[]) =>
    runGitlab("deploy/ci/gitlab/comment.ts", { "/user": { id: 4 }, [notes]: pages }, ...files);

  it("gets one comment, which is found on any page by its author", async () => {
    const [mark = ""] = readFileSync("LICENSE", "utf8").split("\n");
    const theirs = { id: 1, body: `${mark}\nx`, author: { id: 9 } };
    const own = { id: 2, body: `${mark}\nx`, author: { id: 4 } };
    const first = await comment([[theirs], []], "LICENSE");
    const body = JSON.stringify({ body: readFileSync("LICENSE", "utf8") });
    expect(first).toEqual({ stdout: "", stderr: "", wrote: [`POST ${notes} ${body}`] });
    const again = await comment([[theirs], [own]], "LICENSE");
    expect(again.wrote).toEqual([`PUT ${notes}/2 ${body}`]);
  });

  it("gets the rest of the comment below the mark, and no second comment with the same text", async () => {
    const [mark = "", ...rest] = readFileSync("LICENSE", "utf8").split("\n");
    const body = [mark, readFileSync(".gitattributes", "utf8"), ...rest].join("\n");
    const run = async (text: string) =>
      comment([[{ id: 2, body: text, author: { id: 4 } }]], "LICENSE", ".gitattributes");
    expect((await run(`${mark}\nold`)).wrote).toEqual([`PUT ${notes}/2 ${JSON.stringify({ body })}`]);
    expect((await run(body.trimEnd())).wrote).toEqual([]);
  });

  const date = (minute: number): string => `2026-01-01T00:0${minute}:00.000Z`;
  const event = (action: string, minute: number, name = LABEL, user = 9): object => ({
    action,
    created_at: date(minute),
    label: { name },
    user: { id: user },
  });
  /** A comment with a commit's matrix. */
  const shown = (commit: string, minute: number, author = 4, more = "") => ({
    id: 2,
    body: `${COMMENT_MARK}\nCommit \`${commit}\`, judged by the program of the base branch.\n${more}`,
    updated_at: date(minute),
    author: { id: author },
  });

  const commented = [shown(HEAD, 3)];
  const other = "f".repeat(40);
  const quoted = `\n- \`Pulumi.${HEAD}.yaml\`\nCommit \`${HEAD}\`, judged by the program of the base branch.\n`;

  it.each<[string, readonly object[], readonly object[], string, string?]>([
    ["given after the comment on it", [event("add", 5)], commented, "--allow-opens"],
    ["given before the comment on it", [event("add", 2)], commented, ""],
    ["given after the comment on another commit", [event("add", 5)], [shown(other, 3)], ""],
    [
      "given after the comment on another commit, whose files are named after this one",
      [event("add", 5)],
      [shown(other, 3, 4, quoted)],
      "",
    ],
    [
      "given after the comment on it, with the line ends of a form",
      [event("add", 5)],
      commented.map((one) => ({ ...one, body: one.body.replaceAll("\n", "\r\n") })),
      "--allow-opens",
    ],
    ["given before there is a comment", [event("add", 5)], [], ""],
    ["given after another account's comment on it", [event("add", 5)], [shown(HEAD, 3, 9)], ""],
    ["given by the account that comments", [event("add", 5, LABEL, 4)], commented, ""],
    ["given and removed", [event("add", 5), event("remove", 6)], commented, ""],
    ["another label", [event("add", 5, "bug")], commented, ""],
    ["none", [], commented, ""],
    ["given, but the branch has moved since", [event("add", 5)], commented, "", other],
    [
      "given again after the comment on it",
      [event("add", 1), event("remove", 2), event("add", 5)],
      commented,
      "--allow-opens",
    ],
  ])(
    "accepts a label as approval of the commented commit only: %s",
    async (_, events, comments, allow, head = HEAD) => {
      const answers = {
        "/user": { id: 4 },
        [at]: { sha: head },
        [`${at}/resource_label_events`]: [events],
        [notes]: [comments],
      };
      const { stdout, stderr } = await runGitlab("deploy/ci/gitlab/approval.ts", answers);
      expect({ stdout, stderr }).toEqual({ stdout: allow, stderr: "" });
    },
  );

  it("names the request that is refused, and the job fails", async () => {
    const { stdout, stderr } = await runGitlab("deploy/ci/gitlab/approval.ts", {});
    expect(stdout).toBe("");
    expect(stderr).toMatch(/GitLab answered 404 to GET \/(user|projects\/5\/merge_requests\/7)/);
  });
});
