import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { execa } from "execa";
import { describe, expect, it } from "vitest";

const LABEL = "access-opens-approved";

/** Runs a program of GitLab's workflow against a GitLab that answers by path. */
async function runGitlab(
  program: string,
  answers: Readonly<Record<string, readonly (readonly object[])[] | object>>,
  file = "",
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
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const { stdout, stderr } = await execa(process.execPath, [program, file], {
    env: {
      CI_API_V4_URL: `http://127.0.0.1:${port}`,
      CI_PROJECT_ID: "5",
      CI_MERGE_REQUEST_IID: "7",
      CI_COMMIT_SHA: "head",
      CI_MERGE_REQUEST_SOURCE_BRANCH_SHA: "",
      TRUSTEE_ACCESS_COMMENT_TOKEN: "token",
    },
    reject: false,
  });
  await new Promise((closed) => server.close(closed));
  return { stdout, stderr, wrote };
}

describe("GitLab", () => {
  const at = "/projects/5/merge_requests/7";

  it("gets one comment, found on any page by its author", async () => {
    const [mark = ""] = readFileSync("LICENSE", "utf8").split("\n");
    const theirs = { id: 1, body: `${mark}\nx`, author: { id: 9 } };
    const own = { id: 2, body: `${mark}\nx`, author: { id: 4 } };
    const notes = `${at}/notes`;
    const first = await runGitlab(
      "ci/gitlab/comment.ts",
      { "/user": { id: 4 }, [notes]: [[theirs], []] },
      "LICENSE",
    );
    const body = JSON.stringify({ body: readFileSync("LICENSE", "utf8") });
    expect(first).toEqual({ stdout: "", stderr: "", wrote: [`POST ${notes} ${body}`] });
    const again = await runGitlab(
      "ci/gitlab/comment.ts",
      { "/user": { id: 4 }, [notes]: [[theirs], [own]] },
      "LICENSE",
    );
    expect(again.wrote).toEqual([`PUT ${notes}/2 ${body}`]);
  });

  const event = (action: string, minute: number, name = LABEL): object => ({
    action,
    created_at: `2026-01-01T00:0${minute}:00.000Z`,
    label: { name },
  });
  const version = (sha: string, minute: number): object => ({
    head_commit_sha: sha,
    created_at: `2026-01-01T00:0${minute}:00.000Z`,
  });

  it.each<[string, readonly object[], readonly object[], string]>([
    ["given after the push", [event("add", 5)], [version("old", 1), version("head", 3)], "--allow-opens"],
    ["given before the push", [event("add", 2)], [version("old", 1), version("head", 3)], ""],
    ["given and taken off", [event("add", 5), event("remove", 6)], [version("head", 3)], ""],
    ["another label", [event("add", 5, "bug")], [version("head", 3)], ""],
    ["none", [], [version("head", 3)], ""],
    [
      "given for a later push than this pipeline's",
      [event("add", 5)],
      [version("head", 3), version("new", 4)],
      "",
    ],
    [
      "given again after the push",
      [event("add", 1), event("remove", 2), event("add", 5)],
      [version("head", 3)],
      "--allow-opens",
    ],
  ])("takes a label for an approval of the commit only: %s", async (_, events, versions, allow) => {
    const answers = { [`${at}/resource_label_events`]: [events], [`${at}/versions`]: [versions] };
    const { stdout, stderr } = await runGitlab("ci/gitlab/approval.ts", answers);
    expect({ stdout, stderr }).toEqual({ stdout: allow, stderr: "" });
  });

  it("names the request that is refused, and the job fails", async () => {
    const { stdout, stderr } = await runGitlab("ci/gitlab/approval.ts", {});
    expect(stdout).toBe("");
    expect(stderr).toMatch(/GitLab answered 404 to GET \/projects\/5\/merge_requests\/7\//);
  });
});
