import { readFileSync } from "node:fs";
import { runInNewContext } from "node:vm";
import { execa } from "execa";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";

const workflows = ["ci/github/trustee-access.yml", "ci/gitlab/trustee-access.yml"] as const;

const packageJson = JSON.parse(readFileSync("package.json", "utf8")) as {
  readonly scripts: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
};

interface Step {
  readonly name?: string;
  readonly if?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, unknown>>;
}

interface GithubWorkflow {
  readonly env: Readonly<Record<string, string>>;
  readonly jobs: Readonly<
    Record<
      string,
      {
        readonly if: string;
        readonly permissions: Readonly<Record<string, string>>;
        readonly steps: readonly Step[];
      }
    >
  >;
}

interface GitlabJob {
  readonly image?: string;
  readonly before_script?: readonly string[];
  readonly script?: readonly string[];
}

function githubSteps(): readonly Step[] {
  const { jobs } = parse(readFileSync(workflows[0], "utf8")) as GithubWorkflow;
  return Object.values(jobs).flatMap(({ steps }) => steps);
}

function gitlab(): Readonly<Record<string, GitlabJob>> {
  return parse(readFileSync(workflows[1], "utf8")) as Readonly<Record<string, GitlabJob>>;
}

/** Every line of shell in either. */
function shell(): readonly string[] {
  const github = githubSteps().flatMap(({ run }) => run ?? []);
  const jobs = Object.values(gitlab()).flatMap((job) => [
    ...(job.before_script ?? []),
    ...(job.script ?? []),
  ]);
  return [...github, ...jobs];
}

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

  it("pin the programs, at the versions that this project is tested with", () => {
    const { node, "@pulumi/pulumi": pulumi } = packageJson.dependencies;
    const opa = /github.com\/open-policy-agent\/opa v(\S+)/.exec(
      readFileSync("sandbox/tools/opa/go.mod", "utf8"),
    )?.[1];
    const versions = githubSteps().flatMap((step) => Object.entries(step.with ?? {}));
    const wanted = { "node-version": node, "pulumi-version": pulumi, version: opa };
    for (const [name, version] of Object.entries(wanted)) {
      const given = versions.filter(([key]) => key === name).map(([, value]) => value);
      expect(new Set(given)).toEqual(new Set([version]));
    }
    const { variables, ".trustee-access": base } = gitlab() as Readonly<Record<string, unknown>> as {
      readonly variables: unknown;
      readonly ".trustee-access": GitlabJob;
    };
    expect(variables).toMatchObject({ TRUSTEE_ACCESS_PULUMI: pulumi, TRUSTEE_ACCESS_OPA_VERSION: opa });
    expect(base.image).toBe(`node:${node ?? ""}-bookworm`);
  });

  it("run no program that was not compared with its checksum, and no script of a dependency", () => {
    for (const line of shell()) expect(line).not.toMatch(/\|\s*(ba)?sh\b/);
    const installs = shell().filter((line) => line.startsWith("npm ci"));
    expect(installs).toEqual(Array(3).fill("npm ci --ignore-scripts"));
    const lines = Object.values(gitlab()).flatMap((job) => [
      ...(job.before_script ?? []),
      ...(job.script ?? []),
    ]);
    const fetched = lines.flatMap((line) => /^fetch \S+ (\S+)$/.exec(line)?.[1] ?? []);
    const checked = lines.flatMap((line) => /^check (\S+) /.exec(line)?.[1] ?? []);
    expect(fetched.filter((file) => !/sums|sha256/.test(file))).toEqual(checked);
    expect(checked).toEqual(["pulumi.tar.gz", '"$HOME/bin/opa"', '"$HOME/bin/kubectl"']);
  });

  it("check a download as bash does it: another content ends the job", async () => {
    const functions = (gitlab()[".trustee-access"]?.before_script ?? []).filter((line) =>
      line.startsWith("check()"),
    );
    expect(functions).toHaveLength(1);
    const run = (sum: string) =>
      execa("bash", ["-e", "-c", `${functions[0] ?? ""}\ncheck LICENSE "${sum}"; echo reached`], {
        reject: false,
      });
    const { stdout: sum } = await execa("sha256sum", ["LICENSE"]);
    expect(await run(sum.split(" ")[0] ?? "")).toMatchObject({ exitCode: 0, stdout: "reached" });
    for (const wrong of ["", "0".repeat(64)])
      expect(await run(wrong)).toMatchObject({ exitCode: 1, stdout: "" });
  });
});

const LABEL = "access-opens-approved";

/** What GitHub says of an event of a pull request, as far as the workflow asks. */
interface PullRequest {
  readonly action: string;
  /** The label that was given or taken, by the event. */
  readonly label?: string;
  readonly labels?: readonly string[];
  readonly fork?: boolean;
}

/** Evaluates an expression of GitHub's in its own terms; its operators on texts and truth are those of JavaScript. */
function evaluate(expression: string, { action, label, labels = [], fork = false }: PullRequest): unknown {
  const plain = expression
    .replace(/^\$\{\{(.*)\}\}$/, "$1")
    .replaceAll("github.event.pull_request.labels.*.name", "labels");
  const event = {
    action,
    label: { name: label },
    pull_request: { head: { repo: { full_name: fork ? "them/fork" : "us/it" } } },
  };
  const github = { event_name: "pull_request", repository: "us/it", event };
  const contains = (list: readonly string[], item: string): boolean => list.includes(item);
  return runInNewContext(plain, { github, labels, contains });
}

function pullRequestStep(name: string): Step {
  const { jobs } = parse(readFileSync(workflows[0], "utf8")) as GithubWorkflow;
  const step = jobs["pull-request"]?.steps.find((one) => one.name === name);
  if (step === undefined) throw new Error(`there is no step "${name}"`);
  return step;
}

describe("the gate on GitHub", () => {
  const workflow = parse(readFileSync(workflows[0], "utf8")) as GithubWorkflow;

  it("runs on every event of a pull request, since a skipped check would pass, and refuses a fork's", async () => {
    const job = workflow.jobs["pull-request"];
    for (const fork of [true, false]) {
      expect(evaluate(job?.if ?? "", { action: "opened", fork })).toBe(true);
      expect(
        evaluate(pullRequestStep("Refuse what cannot be previewed").if ?? "", { action: "opened", fork }),
      ).toBe(fork);
    }
    expect(job?.steps[0]?.name).toBe("Refuse what cannot be previewed");
    const { exitCode, stdout } = await execa("bash", ["-e", "-c", job?.steps[0]?.run ?? ""], {
      reject: false,
    });
    expect({ exitCode, stdout }).toEqual({
      exitCode: 1,
      stdout: expect.stringMatching(/^::error::A pull request from a fork gets no secrets/) as unknown,
    });
  });

  it.each<[PullRequest, string, boolean]>([
    [{ action: "opened" }, "", false],
    [{ action: "opened", labels: [LABEL] }, "", true],
    [{ action: "labeled", label: LABEL, labels: [LABEL] }, "--allow-opens", false],
    [{ action: "labeled", label: "bug", labels: ["bug"] }, "", false],
    [{ action: "labeled", label: "bug", labels: ["bug", LABEL] }, "", true],
    [{ action: "unlabeled", label: LABEL }, "", false],
    [{ action: "synchronize", labels: [LABEL] }, "", true],
    [{ action: "reopened", labels: [LABEL] }, "", true],
  ])("on %j allows with %j; takes an older label off: %j", (event, allow, takesOff) => {
    expect(evaluate(pullRequestStep("Compare the access matrix").env?.["ALLOW"] ?? "", event)).toBe(allow);
    expect(evaluate(pullRequestStep("Take an earlier approval off").if ?? "", event)).toBe(takesOff);
  });

  it("gives secrets to the steps that need them alone, and uploads findings of private repositories", () => {
    expect(JSON.stringify(workflow.env)).not.toContain("secrets.");
    const given = Object.values(workflow.jobs).flatMap(({ steps }) =>
      steps.filter(({ env }) => JSON.stringify(env ?? {}).includes("secrets.")).map(({ name }) => name),
    );
    const connect = "Connect to the clusters";
    expect(given).toEqual([connect, "Preview", connect, "Find drift", "Lint Trustee", "Read every cell"]);
    expect(workflow.jobs["watch"]?.permissions).toMatchObject({
      actions: "read",
      "security-events": "write",
    });
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
