import { readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { execa } from "execa";
import { describe, expect, it } from "vitest";
import { contentOf } from "../../cli/report/content.ts";
import { stackOutputs, trusteeOutput } from "../fixtures/stack-outputs.ts";
import { apiServer, kubeconfigOf } from "../kube/api-server.ts";
import { sharedFolder } from "../support/folders.ts";

const folder = sharedFolder();

/** A program that always prints the same text. */
function printing(name: string, text: string): string {
  const file = join(folder, `${name}.txt`);
  writeFileSync(file, text);
  const program = join(folder, name);
  writeFileSync(program, `#!/bin/sh\ncat '${file}'\n`, { mode: 0o755 });
  return program;
}

function pulumi(outputs: string): void {
  printing("pulumi", outputs);
}

const env = { PATH: [folder, process.env["PATH"] ?? ""].join(delimiter) };

async function node(args: readonly string[], more = {}) {
  const options = { reject: false, env: { ...env, ...more } } as const;
  const { exitCode, stdout, stderr } = await execa(process.execPath, args, options);
  return { exitCode, stdout, stderr };
}

const cli = async (...args: readonly string[]) => node(["cli/trustee-access.mjs", ...args]);

const failed = (stderr: string) => ({ exitCode: 2, stdout: "", stderr });

const empty = {
  access: {},
  initData: {},
  grants: { stack: "organization/trustee-access/dev", others: "affirming", secrets: {} },
  annotations: {},
  pods: {},
  podCluster: {},
  trustee: trusteeOutput,
  resourcePolicy: "package policy",
  referenceValuesExpire: {},
};

describe("a command that cannot run exits with 2", () => {
  it.each(
    Object.entries({
      "verify --no-such-option":
        "TA951 unknown option '--no-such-option'. See its usage: trustee-access help verify",
      "verify --timeout soon":
        "TA951 option '--timeout <seconds>' argument 'soon' is invalid. Give a number of seconds above zero.",
      "verify too many":
        "TA951 too many arguments for 'verify'. Expected 0 arguments but got 2: too, many. See its usage: trustee-access help verify",
      "no-such-command": "TA951 unknown command 'no-such-command'. See the commands: trustee-access help",
      "explain pod1":
        "TA951 missing required argument 'secret/key'. See its usage: trustee-access help explain",
      "explain pod1 secret":
        'TA951 "secret" is not a secret\'s key. Give secret/key, for example p2-secret/secret.',
      "lint --fail-on everything":
        "TA951 option '--fail-on <severity>' argument 'everything' is invalid. Allowed choices are error, warning, note.",
      "diff --stack dev --events -":
        "TA951 --stack and --events exclude each other: the events already name their stack. Give one of them.",
      "diff --events none":
        "TA952 Cannot read none: ENOENT: no such file or directory, open 'none'. Correct the path, or the permissions.",
      report: "TA951 Name an output: --out for a page, --svg for the picture alone, or --json.",
      "report --svg x.svg --audit":
        "TA951 --audit and --at add to the page. Add --out <file>, or remove them.",
      "report --svg x.svg --at now":
        "TA951 --audit and --at add to the page. Add --out <file>, or remove them.",
      "report --out x.html --at noon": `TA951 option '--at <time>' argument 'noon' is invalid. Give "now" or a time such as 2026-01-31T12:00:00Z.`,
      "check --no-such-option":
        "TA951 unknown option '--no-such-option'. See its usage: trustee-access help check",
      "report --jso":
        "TA951 unknown option '--jso'\n(Did you mean --json?) See its usage: trustee-access help report",
    }),
  )("because of its command line: %s", async (line, stderr) => {
    expect(await cli(...line.split(" "))).toEqual(failed(stderr));
  });

  it.each(["verify", "diff --stack dev"])("because there is no pulumi: %s", async (line) => {
    expect(
      await node(["cli/trustee-access.mjs", ...line.split(" ")], { PATH: join(folder, "none") }),
    ).toEqual(
      failed("TA953 pulumi is not on PATH. Install the Pulumi CLI, or eval the sandbox's environment."),
    );
  });

  it("because no command is named: prints its usage", async () => {
    const { exitCode, stdout, stderr } = await cli();
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
    expect(stderr).toMatch(/^Usage: trustee-access/);
  });

  it.each([
    [
      "no context of this name",
      'TA832 The kubeconfig has no context "other". It has: x.',
      { kubeconfig: kubeconfigOf({ server: "https://127.0.0.1:1" }), args: ["--context", "other"] },
    ],
    [
      "invalid",
      'TA831 The kubeconfig "FILE" is not valid YAML of kind Config. Check it with: kubectl config view',
      { kubeconfig: "top-secret", args: [] },
    ],
  ])("because of its kubeconfig: %s", async (_, stderr, { kubeconfig, args }) => {
    const file = join(folder, "kubeconfig");
    writeFileSync(file, kubeconfig);
    expect(await cli("lint", "--kubeconfig", file, ...args)).toEqual(failed(stderr.replace("FILE", file)));
  });

  it.each([
    [400, "TA813", "Correct what the API server names, then run again."],
    [401, "TA802", "Renew the credentials of this kubeconfig context."],
    [403, "TA803", 'Grant the verb "get" on kbsconfigs.confidentialcontainers.org to this account.'],
    [409, "TA813", "Correct what the API server names, then run again."],
    [422, "TA813", "Correct what the API server names, then run again."],
  ])("because the API server answers %i", async (code, id, advice) => {
    const status = { code, body: '{"kind":"Status","message":"refused here"}', type: "application/json" };
    const { url } = await apiServer(undefined, status);
    const file = join(folder, "kubeconfig");
    writeFileSync(file, kubeconfigOf({ server: url }));
    expect(await cli("lint", "--kubeconfig", file, "-n", "n", "--kbs-config", "k")).toEqual(
      failed(
        `${id} cannot get kbsconfigs.confidentialcontainers.org "k" in namespace "n": refused here. ${advice}`,
      ),
    );
  });

  it.each([
    ["a stack without pods and secrets", empty],
    ["a stack whose pod allows no requests", { ...empty, access: { pod1: {} } }],
  ])("because there is no cell: %s", async (_, outputs) => {
    pulumi(JSON.stringify(outputs));
    expect(await cli("verify", "--json")).toEqual(
      failed(
        "TA956 There is nothing to verify: the stack declares no pod or no secret. Declare both, run pulumi up, then verify again.",
      ),
    );
  });

  it("because all readers of the stack are deployed elsewhere", async () => {
    pulumi(JSON.stringify({ ...empty, access: { partner: { "p2-secret/secret": "granted" } } }));
    expect(await cli("verify", "--no-log")).toEqual(
      failed(
        "TA956 No cell was tried: partner is deployed elsewhere. Select a stack whose pods run in its cluster.",
      ),
    );
  });

  it("because its OPA is too old", async () => {
    pulumi(JSON.stringify(empty));
    const opa = printing("old-opa", "Version: 0.68.0\nRego Version: v0\n");
    expect(await node(["cli/trustee-access.mjs", "check"], { TRUSTEE_ACCESS_OPA: opa })).toEqual(
      failed(
        `TA953 ${opa} is Open Policy Agent 0.68.0, which is too old. Install Open Policy Agent 1.0 or newer, or name the program in TRUSTEE_ACCESS_OPA.`,
      ),
    );
  });

  it("because its OPA prints something else", async () => {
    pulumi(JSON.stringify(empty));
    const opa = printing("other-opa", "Version: 1.0.0\n");
    expect(await node(["cli/trustee-access.mjs", "check"], { TRUSTEE_ACCESS_OPA: opa })).toEqual(
      failed(
        `TA957 ${opa} did not evaluate the policy: it printed no error. Run again, or name another OPA in TRUSTEE_ACCESS_OPA.`,
      ),
    );
  });

  it("because pulumi prints something else", async () => {
    pulumi("no JSON");
    expect(await cli("verify")).toEqual(
      failed(
        "TA954 The stack cannot be read: pulumi stack output --json did not print JSON. Run it to see why.",
      ),
    );
  });

  it("because the stack's program exports only some outputs", async () => {
    const { access: _, pods: __, ...others } = empty;
    pulumi(JSON.stringify(others));
    expect(await cli("verify")).toEqual(
      failed(
        "TA954 The stack lacks outputs of this program (access, pods): run pulumi up first, or export all outputs of declareTrusteeAccess.",
      ),
    );
  });

  it("because pulumi cannot read the stack", async () => {
    writeFileSync(
      join(folder, "pulumi"),
      "#!/bin/sh\necho \"error: no stack named 'x' found\" >&2\nexit 255\n",
    );
    expect(await cli("verify", "--stack", "x")).toEqual(
      failed(
        "TA954 The stack cannot be read: error: no stack named 'x' found\nSelect a stack with --stack, and sign in to its backend: pulumi login.",
      ),
    );
  });

  it("because of an unexpected error: prints its stack, and the first line of its message", async () => {
    const program = `import { run } from "./cli/commands/run.ts";
      await run(async () => { throw new TypeError("first\\nsecond"); });`;
    const { exitCode, stderr } = await node(["--input-type=module-typescript", "--eval", program]);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/^Unexpected error: TypeError: first\n\s+at /);
    expect(stderr).not.toContain("second");
  });
});

it.each(["verify --help", "--help", "help lint", "explain --help"])(
  "%s prints its usage and exits with 0",
  async (line) => {
    const { exitCode, stdout } = await cli(...line.split(" "));
    expect({ exitCode, hasUsage: stdout.startsWith("Usage: ") }).toEqual({ exitCode: 0, hasUsage: true });
  },
);

describe("report --json", () => {
  it("prints the page's content, without a file", async () => {
    const stack = stackOutputs();
    pulumi(JSON.stringify(stack));
    const { exitCode, stdout, stderr } = await cli("report", "--json", "--at", "2026-01-31");
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(JSON.parse(stdout)).toEqual({
      ...contentOf(stack),
      at: "2026-01-31T00:00:00.000Z",
      written: [],
    });
  });

  it("names the files that it wrote too", async () => {
    pulumi(JSON.stringify(stackOutputs()));
    const file = join(folder, "report.svg");
    const { stdout } = await cli("report", "--json", "--svg", file);
    expect(JSON.parse(stdout)).toMatchObject({ written: [file] });
    expect(readFileSync(file, "utf8")).toContain("<svg");
  });
});
