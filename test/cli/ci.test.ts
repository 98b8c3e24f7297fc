import { readFileSync } from "node:fs";
import { runInNewContext } from "node:vm";
import { execa } from "execa";
import { describe, expect, it } from "vitest";
import { github, packageJson, shell, workflows, type Step } from "./support/workflows.ts";

describe("the workflows", () => {
  it("run npm scripts that there are", () => {
    const scripts = shell().flatMap((line) =>
      [...line.matchAll(/npm run (?:-s )?(\S+)/g)].map(([, name]) => name),
    );
    expect(new Set(scripts)).toEqual(new Set(["access", "verify"]));
    expect(Object.keys(packageJson.scripts)).toEqual(expect.arrayContaining(["access", "verify"]));
  });

  it("give the commands options that they have", async () => {
    const calls = shell().flatMap((line) =>
      [...line.matchAll(/npm run -s (access|verify) -- (.*)/g)].map(([, script = "", rest = ""]) => {
        const words = rest.split(/\s+/);
        return {
          command: script === "access" ? ["cli/access.ts", words[0] ?? ""] : ["cli/verify.ts"],
          options: words.filter((word) => word.startsWith("--")),
        };
      }),
    );
    expect(calls).toHaveLength(6);
    for (const { command, options } of calls) {
      const { stdout } = await execa(process.execPath, [...command, "--help"]);
      for (const option of options) expect(stdout).toContain(`${option} `);
    }
  });

  it("are valid shell", async () => {
    for (const line of shell()) {
      const { exitCode, stderr } = await execa("bash", ["-n"], { input: line, reject: false });
      expect({ line, exitCode, stderr }).toEqual({ line, exitCode: 0, stderr: "" });
    }
  });

  it("pin every action by its commit, with the version beside it", () => {
    const uses = readFileSync(workflows[0], "utf8").match(/^.*uses:.*$/gm) ?? [];
    expect(uses.length).toBeGreaterThan(0);
    for (const line of uses) {
      expect(line).toMatch(/uses: [\w.-]+\/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
    }
  });
});

const LABEL = "access-opens-approved";

function pullRequestStep(name: string): Step {
  const step = github().jobs["pull-request"]?.steps.find((one) => one.name === name);
  if (step === undefined) throw new Error(`there is no step "${name}"`);
  return step;
}

describe("the gate on GitHub", () => {
  const workflow = github();

  it("runs on every event of a pull request, since a skipped check would pass, and refuses a fork's", async () => {
    const job = workflow.jobs["pull-request"];
    const [refuse] = job?.steps ?? [];
    expect([job?.if, refuse?.name, refuse?.if]).toEqual([
      "github.event_name == 'pull_request'",
      "Refuse what cannot be previewed",
      "github.event.pull_request.head.repo.full_name != github.repository",
    ]);
    const { exitCode, stdout } = await execa("bash", ["-e", "-c", refuse?.run ?? ""], { reject: false });
    expect({ exitCode, stdout }).toEqual({
      exitCode: 1,
      stdout: expect.stringMatching(/^::error::A pull request from a fork gets no secrets/) as unknown,
    });
  });

  it("allows what opens only when its label is given, and takes the label off at every other event", () => {
    const given = `github.event.action == 'labeled' && github.event.label.name == '${LABEL}'`;
    expect(pullRequestStep("Compare the access matrix").env?.["ALLOW"]).toBe(
      `\${{ ${given} && '--allow-opens' || '' }}`,
    );
    expect(pullRequestStep("Take an earlier approval off").if).toBe(
      `contains(github.event.pull_request.labels.*.name, '${LABEL}') && !(${given})`,
    );
  });

  it("gives secrets to the steps that need them alone, and uploads findings of private repositories", () => {
    expect(JSON.stringify(workflow.env)).not.toContain("secrets.");
    const given = Object.values(workflow.jobs).flatMap(({ steps }) =>
      steps.filter(({ env }) => JSON.stringify(env ?? {}).includes("secrets.")).map(({ name }) => name),
    );
    const connect = "Connect to the clusters";
    expect(given).toEqual([connect, "Preview", connect, "Find drift", "Lint Trustee", "Read every cell"]);
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
}

/** Runs the script of a step as actions/github-script does, and what it asked GitHub. */
async function runScript(
  name: string,
  file: string,
  comments: readonly Comment[] = [],
): Promise<readonly unknown[]> {
  const asked: unknown[] = [];
  const call =
    (method: string) =>
    (request: object): Promise<void> => {
      asked.push({ method, ...request });
      return method === "removeLabel"
        ? Promise.reject(Object.assign(new Error(), { status: 404 }))
        : Promise.resolve();
    };
  const methods = ["listComments", "updateComment", "createComment", "removeLabel"];
  const issues = Object.fromEntries(methods.map((method) => [method, call(method)]));
  const github = { rest: { issues }, paginate: () => Promise.resolve(comments) };
  const context = { repo: { owner: "us", repo: "it" }, issue: { number: 7 } };
  const script = String(pullRequestStep(name).with?.["script"]);
  const required = { readFileSync: () => file };
  await runInNewContext(`(async () => {${script}})()`, { github, context, require: () => required });
  return asked;
}

describe("the comment on GitHub", () => {
  const bot = { login: "github-actions[bot]" };
  const place = { owner: "us", repo: "it" };

  it("is made once, and then kept up to date; somebody else's that begins alike stays", async () => {
    const theirs = { id: 1, body: "<mark>\nold", user: { login: "someone" } };
    const other = { id: 2, body: "else", user: bot };
    const own = { id: 3, body: "<mark>\nold", user: bot };
    const file = "<mark>\nnew";
    expect(await runScript("Comment the matrix", file, [theirs, other])).toEqual([
      { method: "createComment", ...place, issue_number: 7, body: file },
    ]);
    expect(await runScript("Comment the matrix", file, [theirs, other, own])).toEqual([
      { method: "updateComment", ...place, comment_id: 3, body: file },
    ]);
  });

  it("is cut where GitHub would not take it, and says so", async () => {
    const [asked] = await runScript("Comment the matrix", `<mark>\n${"x".repeat(70_000)}`);
    const { body } = asked as { readonly body: string };
    expect(body).toHaveLength(65_536);
    expect(body).toMatch(/x\n\nThis comment is cut, .* the log of the job has everything\.\n$/);
  });

  it("takes a label off, whoever was first", async () => {
    expect(await runScript("Take an earlier approval off", "")).toEqual([
      { method: "removeLabel", ...place, issue_number: 7, name: LABEL },
    ]);
  });
});
