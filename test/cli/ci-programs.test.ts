import { hash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { beforeAll, describe, expect, it } from "vitest";
import { github, githubSteps, gitlab, shell, testedVersion, type GitlabJob } from "./support/workflows.ts";
import { sharedFolder } from "../support/folders.ts";

/** The script that installs the programs in a GitHub job. */
function fetching(job: string): string {
  const step = github().jobs[job]?.steps.find(({ name }) => name === "Fetch the programs");
  return step?.run ?? "";
}

describe("the programs of the workflows", () => {
  it("pin the programs to the versions that this project is tested with", () => {
    const [pulumi, node] = ["@pulumi/pulumi", "node"].map(testedVersion);
    const opa = /github.com\/open-policy-agent\/opa v(\S+)/.exec(
      readFileSync("sandbox/tools/opa/go.mod", "utf8"),
    )?.[1];
    const versions = githubSteps().flatMap((step) => Object.entries(step.with ?? {}));
    const nodes = versions.filter(([key]) => key === "node-version").map(([, value]) => value);
    expect(nodes).toEqual([node, node]);
    const { variables, ".trustee-access": base } = gitlab() as Readonly<Record<string, unknown>> as {
      readonly variables: unknown;
      readonly ".trustee-access": GitlabJob;
    };
    const wanted = {
      TRUSTEE_ACCESS_PULUMI: pulumi,
      TRUSTEE_ACCESS_OPA_VERSION: opa,
      TRUSTEE_ACCESS_KUBECTL: expect.stringMatching(/^v\d+\.\d+\.\d+$/) as unknown,
    };
    expect(variables).toEqual(wanted);
    expect(github().env).toMatchObject(variables as object);
    expect(base.image).toBe(`node:${node ?? ""}-bookworm`);
  });

  it("run only programs whose checksum was verified, and no script of a dependency", () => {
    for (const line of shell()) expect(line).not.toMatch(/\|\s*(ba)?sh\b/);
    const installs = shell().filter((line) => line.startsWith("npm ci"));
    expect(installs).toEqual(Array(3).fill("npm ci --ignore-scripts"));
    const onGitlab = Object.values(gitlab()).flatMap((job) => [
      ...(job.before_script ?? []),
      ...(job.script ?? []),
    ]);
    const places: readonly (readonly [readonly string[], readonly string[]])[] = [
      [onGitlab, ["pulumi.tar.gz", '"$HOME/bin/opa"', '"$HOME/bin/kubectl"']],
      [fetching("pull-request").split("\n"), ["pulumi.tar.gz"]],
      [fetching("watch").split("\n"), ["pulumi.tar.gz", "programs/opa", "programs/kubectl"]],
    ];
    for (const [lines, programs] of places) {
      const fetched = lines.flatMap((line) => /^fetch \S+ (\S+)$/.exec(line)?.[1] ?? []);
      const checked = lines.flatMap((line) => /^check (\S+) /.exec(line)?.[1] ?? []);
      expect(fetched.filter((file) => !/sums|sha256/.test(file))).toEqual(checked);
      expect(checked).toEqual(programs);
    }
    expect(shell().flatMap((script) => script.match(/\bcurl\b/g) ?? [])).toHaveLength(places.length);
    // Other owners' actions would install programs in other ways.
    for (const { uses } of githubSteps()) expect(uses ?? "actions/").toMatch(/^(actions|github)\//);
  });

  it("verify a download's checksum in bash: other content ends the job", async () => {
    const functions = shell()
      .flatMap((script) => script.split("\n"))
      .filter((line) => line.startsWith("check()"));
    expect(functions).toHaveLength(3);
    expect(new Set(functions).size).toBe(1);
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

/** Replaces curl: it copies the requested file from a folder, which also has the checksums. */
const CURL = `#!/bin/bash
while [ $# -gt 1 ]; do [ "$1" = -o ] && out="$2"; shift; done
cp "$SERVED/$(basename "$1")" "$out"
`;

describe("a job on GitHub", () => {
  const folder = sharedFolder();
  const [served, bin] = [join(folder, "served"), join(folder, "bin")];
  const version = testedVersion("@pulumi/pulumi");
  const files = [`pulumi-v${version}-linux-x64.tar.gz`, "opa_linux_amd64_static", "kubectl"] as const;
  const serve = (file: string, text: string | Buffer): void => {
    writeFileSync(join(served, file), text);
  };

  beforeAll(async () => {
    for (const one of [served, bin, join(folder, "pulumi")]) mkdirSync(one);
    writeFileSync(join(bin, "curl"), CURL, { mode: 0o755 });
    writeFileSync(join(folder, "pulumi", "pulumi"), "the program");
    await execa("tar", ["-czf", join(served, files[0]), "-C", folder, "pulumi"]);
    for (const file of files.slice(1)) serve(file, file);
    const sum = (file: string): string => hash("sha256", readFileSync(join(served, file)));
    serve(
      `pulumi-${version}-checksums.txt`,
      `${"0".repeat(64)}  pulumi-darwin.tar.gz\n${sum(files[0])}  ${files[0]}\n`,
    );
    serve(`${files[1]}.sha256`, `${sum(files[1])}  ${files[1]}\n`);
    serve(`${files[2]}.sha256`, sum(files[2]));
  });

  /** Runs a job's step on a separate runner. */
  async function run(job: string, sums: Readonly<Record<string, string>> = {}) {
    const temp = mkdtempSync(join(folder, "runner-"));
    const env = {
      ...github().env,
      ...sums,
      SERVED: served,
      RUNNER_TEMP: temp,
      GITHUB_PATH: join(temp, "path"),
    };
    writeFileSync(env.GITHUB_PATH, "");
    const { exitCode = 1, stderr } = await execa("bash", ["-e", "-c", fetching(job)], {
      env: { ...env, PATH: `${bin}:${process.env["PATH"] ?? ""}` },
      reject: false,
    });
    return { exitCode, path: readFileSync(env.GITHUB_PATH, "utf8").replaceAll(temp, ""), stderr };
  }

  it.each(["pull-request", "watch"])("%s: installs what the releases publish", async (job) => {
    expect(await run(job)).toEqual({ exitCode: 0, path: "/programs\n", stderr: "" });
  });

  it.each([
    ["TRUSTEE_ACCESS_PULUMI_SHA256", "pulumi.tar.gz"],
    ["TRUSTEE_ACCESS_OPA_SHA256", "programs/opa"],
    ["TRUSTEE_ACCESS_KUBECTL_SHA256", "programs/kubectl"],
  ])("uses %s in place of the release's checksum, if it is set", async (name, program) => {
    const wrong = await run("watch", { [name]: "0".repeat(64) });
    expect(wrong).toEqual({ exitCode: 1, path: "", stderr: `${program} does not match its checksum.` });
    const step = github().jobs["watch"]?.steps.find((one) => one.name === "Fetch the programs");
    expect(step?.env?.[name]).toBe(["$", `{{ vars.${name} }}`].join(""));
  });

  it.each(files)("ends if %s has other content", async (file) => {
    const right = readFileSync(join(served, file));
    serve(file, Buffer.concat([right, Buffer.from("x")]));
    try {
      const { exitCode, path, stderr } = await run("watch");
      expect({ exitCode, path }).toEqual({ exitCode: 1, path: "" });
      expect(stderr).toMatch(/does not match its checksum/);
    } finally {
      serve(file, right);
    }
  });
});
