import { readFileSync } from "node:fs";
import { runInNewContext } from "node:vm";
import { execa } from "execa";
import { describe, expect, it } from "vitest";
import { COMMENT_MARK, github, shell, workflows, type Step } from "./support/workflows.ts";

describe("the workflows", () => {
  it("give the commands only options that exist", async () => {
    const calls = shell().flatMap((line) =>
      [...line.matchAll(/npx trustee-access (\w+) (.*)/g)].map(([, name = "", rest = ""]) => ({
        name,
        options: rest.split(/\s+/).filter((word) => word.startsWith("--")),
      })),
    );
    expect(calls).toHaveLength(6);
    for (const { name, options } of calls) {
      const { stdout } = await execa(process.execPath, ["cli/trustee-access.mjs", name, "--help"]);
      for (const option of options) expect(stdout).toContain(`${option} `);
    }
  });

  it("are valid shell", async () => {
    for (const line of shell()) {
      const { exitCode, stderr } = await execa("bash", ["-n"], { input: line, reject: false });
      expect({ line, exitCode, stderr }).toEqual({ line, exitCode: 0, stderr: "" });
    }
  });

  it("pin every action by its commit, with a version comment", () => {
    const uses = readFileSync(workflows[0], "utf8").match(/^.*uses:.*$/gm) ?? [];
    expect(uses.length).toBeGreaterThan(0);
    for (const line of uses) {
      expect(line).toMatch(/uses: [\w.-]+\/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
    }
  });
});

const LABEL = "access-opens-approved";
/** The condition: this event adds the label. */
const given = `github.event.action == 'labeled' && github.event.label.name == '${LABEL}'`;

function pullRequestStep(name: string): Step {
  const step = github().jobs["pull-request"]?.steps.find((one) => one.name === name);
  if (step === undefined) throw new Error(`the workflow has no step "${name}"`);
  return step;
}

describe("the gate on GitHub", () => {
  const workflow = github();

  it("runs on every event of a pull request, since a skipped check would pass, and refuses forks", async () => {
    const job = workflow.jobs["pull-request"];
    const [refuse] = job?.steps ?? [];
    expect([job?.if, refuse?.name, refuse?.if]).toEqual([
      "github.event_name == 'pull_request_target'",
      "Refuse what cannot be previewed",
      "github.event.pull_request.head.repo.full_name != github.repository",
    ]);
    const { exitCode, stdout } = await execa("bash", ["-e", "-c", refuse?.run ?? ""], { reject: false });
    expect({ exitCode, stdout }).toEqual({
      exitCode: 1,
      stdout: expect.stringMatching(/^::error::A pull request from a fork gets no secrets/) as unknown,
    });
  });

  it("allows opened cells only on the event that adds the label, and removes the label on all others", () => {
    expect(pullRequestStep("Refuse an approval of what was not shown").if).toBe(given);
    expect(pullRequestStep("Require the label for other changes").if).toBe(
      `\${{ !cancelled() && steps.branch.outputs.others == '1' && !(${given}) }}`,
    );
    expect(pullRequestStep("Compare the access matrix").env?.["ALLOW"]).toBe(
      `\${{ ${given} && '--allow-opens' || '' }}`,
    );
    expect(pullRequestStep("Remove an earlier approval").if).toBe(
      `contains(github.event.pull_request.labels.*.name, '${LABEL}') && !(${given})`,
    );
  });

  it("refuses a base other than the default branch, whose program it runs", async () => {
    const step = pullRequestStep("Refuse another base");
    expect(step.if).toBe("github.event.pull_request.base.ref != github.event.repository.default_branch");
    expect((await execa("bash", ["-e", "-c", step.run ?? ""], { reject: false })).exitCode).toBe(1);
    const steps = workflow.jobs["pull-request"]?.steps ?? [];
    const names = steps.map(({ name, uses = "" }) => name ?? uses.replace(/@.*/, ""));
    expect(names.indexOf("Refuse another base")).toBeLessThan(names.indexOf("actions/checkout"));
    const ref = "${{ github.event.repository.default_branch }}";
    expect(steps.filter(({ uses }) => uses?.startsWith("actions/checkout")).map((one) => one.with)).toEqual([
      { ref, "fetch-depth": 0, "persist-credentials": false },
    ]);
    expect(workflow.on).not.toHaveProperty("pull_request");
  });

  it("has two accounts, each in its own environment", () => {
    const used = (job: string): readonly string[] => [
      ...new Set(JSON.stringify(workflow.jobs[job]).match(/secrets\.\w+|trustee-access-\w+/g)),
    ];
    const backend = ["secrets.PULUMI_ACCESS_TOKEN", "secrets.PULUMI_CONFIG_PASSPHRASE"];
    expect(used("pull-request")).toEqual([
      "trustee-access-preview",
      "secrets.TRUSTEE_ACCESS_PREVIEW_KUBECONFIG",
      ...backend,
    ]);
    expect(used("watch")).toEqual([
      "trustee-access-watch",
      "secrets.TRUSTEE_ACCESS_WATCH_KUBECONFIG",
      ...backend,
    ]);
  });

  it("gives secrets only to the steps that need them, and uploads findings of private repositories", () => {
    expect(JSON.stringify(workflow.env)).not.toContain("secrets.");
    const names = Object.values(workflow.jobs).flatMap(({ steps }) =>
      steps.filter(({ env }) => JSON.stringify(env ?? {}).includes("secrets.")).map(({ name }) => name),
    );
    const connect = "Connect to the clusters";
    expect(names).toEqual([
      connect,
      "Compare the access matrix",
      connect,
      "Find drift",
      "Lint Trustee",
      "Read every cell",
    ]);
    expect(Object.values(workflow.jobs).map(({ permissions }) => permissions)).toEqual([
      { contents: "read", "pull-requests": "write" },
      { contents: "read", "security-events": "write", actions: "read" },
    ]);
  });
});

interface Comment {
  readonly id: number;
  readonly body: string;
  readonly user: { readonly login: string };
  readonly updated_at?: string;
}

/** GitHub's answers, and the files of the job. */
interface Answers {
  readonly files?: Readonly<Record<string, string>>;
  readonly comments?: readonly Comment[];
  readonly events?: readonly object[];
  readonly head?: string;
}

const HEAD = "0123456789abcdef0123456789abcdef01234567";

/**
 * Runs a step's script like actions/github-script, for an event of commit HEAD.
 * @returns its requests to GitHub
 */
async function runScript(name: string, answers: Answers): Promise<readonly unknown[]> {
  const { files = {}, comments = [], events = [], head = HEAD } = answers;
  const requests: unknown[] = [];
  const call =
    (method: string) =>
    (request: object): Promise<void> => {
      requests.push({ method, ...request });
      return method === "removeLabel"
        ? Promise.reject(Object.assign(new Error(), { status: 404 }))
        : Promise.resolve();
    };
  const issues = {
    ...Object.fromEntries(["updateComment", "createComment", "removeLabel"].map((one) => [one, call(one)])),
    listComments: comments,
    listEvents: events,
  };
  const pulls = { get: () => Promise.resolve({ data: { head: { sha: head } } }) };
  const github = { rest: { issues, pulls }, paginate: (all: unknown) => Promise.resolve(all) };
  const payload = { pull_request: { head: { sha: HEAD } } };
  const context = { repo: { owner: "us", repo: "it" }, issue: { number: 7 }, payload };
  const core = { setFailed: (message: string) => requests.push({ failed: message }) };
  const script = String(pullRequestStep(name).with?.["script"]);
  const required = { readFileSync: (file: string) => files[file] };
  await runInNewContext(`(async () => {${script}})()`, { github, context, core, require: () => required });
  return requests;
}

describe("the comment on GitHub", () => {
  const bot = { login: "github-actions[bot]" };
  const place = { owner: "us", repo: "it" };

  it("is created once and then updated; another account's comment with the same start stays", async () => {
    const theirs = { id: 1, body: "<mark>\nold", user: { login: "someone" } };
    const other = { id: 2, body: "else", user: bot };
    const own = { id: 3, body: "<mark>\nold", user: bot };
    const files = { "access.md": "<mark>\nnew", "branch.md": "Of commit x.\n" };
    const body = "<mark>\nOf commit x.\n\nnew";
    const run = async (comments: readonly Comment[]) => runScript("Comment the matrix", { files, comments });
    expect(await run([theirs, other])).toEqual([
      { method: "createComment", ...place, issue_number: 7, body },
    ]);
    expect(await run([theirs, other, own])).toEqual([
      { method: "updateComment", ...place, comment_id: 3, body },
    ]);
    expect(await run([{ ...own, body: `${body}\n` }])).toEqual([]);
  });

  it("is cut to GitHub's limit, and says so", async () => {
    const files = { "access.md": `<mark>\n${"x".repeat(70_000)}`, "branch.md": "Of commit x.\n" };
    const [request] = await runScript("Comment the matrix", { files });
    const { body } = request as { readonly body: string };
    expect(body).toHaveLength(65_536);
    expect(body).toMatch(/x\n\nThis comment is truncated, .* The log of the job has the full text\.\n$/);
  });

  it("removes a label, even if another job removed it first", async () => {
    expect(await runScript("Remove an earlier approval", {})).toEqual([
      { method: "removeLabel", ...place, issue_number: 7, name: LABEL },
    ]);
  });
});

describe("an approval on GitHub", () => {
  const bot = "github-actions[bot]";
  const date = (minute: number): string => `2026-01-01T00:0${minute}:00Z`;
  const labelled = (minute: number, name = LABEL): object => ({
    event: "labeled",
    label: { name },
    created_at: date(minute),
  });
  const shown = (commit: string, minute: number, login = bot, more = ""): Comment => ({
    id: 3,
    body: `${COMMENT_MARK}\nCommit \`${commit}\`, judged by the program of the base branch.\n${more}`,
    user: { login },
    updated_at: date(minute),
  });

  const comments = [shown(HEAD, 3)];
  const other = "f".repeat(40);
  const quoted = `\n- \`Pulumi.${HEAD}.yaml\`\nCommit \`${HEAD}\`, judged by the program of the base branch.\n`;

  it.each<[string, Answers, boolean]>([
    ["given after the comment on it", { events: [labelled(5)], comments }, true],
    ["given before the comment on it", { events: [labelled(2)], comments }, false],
    [
      "given after the comment on another commit",
      { events: [labelled(5)], comments: [shown(other, 3)] },
      false,
    ],
    [
      "given after the comment on another commit, whose files are named after this one",
      { events: [labelled(5)], comments: [shown(other, 3, bot, quoted)] },
      false,
    ],
    [
      "given after the comment on it, with the line ends of a form",
      {
        events: [labelled(5)],
        comments: comments.map((one) => ({ ...one, body: one.body.replaceAll("\n", "\r\n") })),
      },
      true,
    ],
    ["given before there is a comment", { events: [labelled(5)] }, false],
    [
      "given after another account's comment on it",
      { events: [labelled(5)], comments: [shown(HEAD, 3, "someone")] },
      false,
    ],
    ["given, but the branch has moved since", { events: [labelled(5)], comments, head: other }, false],
    [
      "given first, and another label after the comment",
      { events: [labelled(2), labelled(5, "bug")], comments },
      false,
    ],
    ["given again after the comment", { events: [labelled(2), labelled(5)], comments }, true],
  ])("counts for the commented commit only: %s", async (_, answers, counts) => {
    const failed = expect.stringContaining(`which is not ${HEAD}`) as unknown;
    const takenOff = { method: "removeLabel", owner: "us", repo: "it", issue_number: 7, name: LABEL };
    const requests = await runScript("Refuse an approval of what was not shown", answers);
    expect(requests).toEqual(counts ? [] : [{ failed }, takenOff]);
  });
});
