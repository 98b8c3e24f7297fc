import { readFileSync } from "node:fs";
import { parse } from "yaml";

export const workflows = [
  "deploy/ci/github/trustee-access.yml",
  "deploy/ci/gitlab/trustee-access.yml",
] as const;

/** The first line of the comment, by which both workflows find it. `trustee-access diff --markdown` writes it. */
export const COMMENT_MARK = "<!-- trustee-access: the access matrix -->";

export interface Step {
  readonly name?: string;
  readonly if?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, unknown>>;
}

interface GithubWorkflow {
  readonly on: Readonly<Record<string, unknown>>;
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

export interface GitlabJob {
  readonly image?: string;
  readonly before_script?: readonly string[];
  readonly script?: readonly string[];
}

export function github(): GithubWorkflow {
  return parse(readFileSync(workflows[0], "utf8")) as GithubWorkflow;
}

/** Every step of its jobs. */
export const githubSteps = (): readonly Step[] => Object.values(github().jobs).flatMap(({ steps }) => steps);

export function gitlab(): Readonly<Record<string, GitlabJob>> {
  return parse(readFileSync(workflows[1], "utf8")) as Readonly<Record<string, GitlabJob>>;
}

/** Every script in both workflows. */
export function shell(): readonly string[] {
  const scripts = githubSteps().flatMap(({ run }) => run ?? []);
  const jobs = Object.values(gitlab()).flatMap((job) => [
    ...(job.before_script ?? []),
    ...(job.script ?? []),
  ]);
  return [...scripts, ...jobs];
}

const { packages } = JSON.parse(readFileSync("package-lock.json", "utf8")) as {
  readonly packages: Readonly<Record<string, { readonly version: string }>>;
};

/** The version of a package that this project is tested with. */
export function testedVersion(name: string): string {
  const found = packages[`node_modules/${name}`];
  if (found === undefined) throw new Error(`package-lock.json has no ${name}`);
  return found.version;
}
