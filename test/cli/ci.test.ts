import { readFileSync } from "node:fs";
import { execa } from "execa";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";

const workflows = ["ci/github/trustee-access.yml", "ci/gitlab/trustee-access.yml"] as const;

const packageJson = JSON.parse(readFileSync("package.json", "utf8")) as {
  readonly scripts: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
};

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, unknown>>;
}

interface GithubWorkflow {
  readonly jobs: Readonly<Record<string, { readonly steps: readonly Step[] }>>;
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

  it("let a cell open by the same label, on both", () => {
    for (const file of workflows) expect(readFileSync(file, "utf8")).toContain("access-opens-approved");
  });
});
