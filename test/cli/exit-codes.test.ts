import { writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { execa } from "execa";
import { describe, expect, it } from "vitest";
import { trusteeOutput } from "../fixtures/stack-outputs.ts";
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

/** A pulumi that prints these stack outputs. */
function pulumi(outputs: string): void {
  printing("pulumi", outputs);
}

interface Ended {
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

async function node(...args: readonly string[]): Promise<Ended> {
  const { exitCode, stdout, stderr } = await execa(process.execPath, args, {
    reject: false,
    env: { PATH: [folder, process.env["PATH"] ?? ""].join(delimiter) },
  });
  return { exitCode, stdout, stderr };
}

/** Runs the installed command. */
async function cli(...args: readonly string[]): Promise<Ended> {
  return node("cli/trustee-access.mjs", ...args);
}

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
  it.each([
    [["verify", "--no-such-option"], /unknown option '--no-such-option'/],
    [["verify", "--timeout", "soon"], /a number of seconds above zero/],
    [["verify", "too", "many"], /too many arguments/],
    [[], /Usage: trustee-access/],
    [["no-such-command"], /unknown command 'no-such-command'/],
    [["explain", "pod1"], /missing required argument 'secret'/],
    [["lint", "--fail-on", "everything"], /Allowed choices are error, warning, note/],
    [["diff", "--stack", "dev", "--preview", "-"], /--stack and --preview exclude each other/],
    [["report", "--out", "x.html", "--at", "noon"], /give "now" or a time/],
    [["check", "--no-such-option"], /unknown option/],
  ])("because of its command line: %j", async (args, message) => {
    const { exitCode, stdout, stderr } = await cli(...args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
    expect(stderr).toMatch(message);
  });

  it.each([
    ["a stack without pods and secrets", empty],
    ["a stack whose pod allows no requests", { ...empty, access: { pod1: {} } }],
  ])("because there is no cell: %s", async (_, outputs) => {
    pulumi(JSON.stringify(outputs));
    expect(await cli("verify", "--json")).toEqual({
      exitCode: 2,
      stdout: "",
      stderr:
        "There is nothing to verify: the stack declares no pod or no secret. Declare both, run pulumi up, then verify again.",
    });
  });

  it("because all readers of the stack are deployed elsewhere", async () => {
    pulumi(JSON.stringify({ ...empty, access: { partner: { "p2-secret/secret": "granted" } } }));
    expect(await cli("verify", "--no-log")).toEqual({
      exitCode: 2,
      stdout: "",
      stderr:
        "No cell was tried: partner is deployed elsewhere. Select a stack whose pods run in its cluster.",
    });
  });

  it("because its OPA is too old", async () => {
    pulumi(JSON.stringify(empty));
    const opa = printing("old-opa", "Version: 0.68.0\nRego Version: v0\n");
    const { exitCode, stdout, stderr } = await execa(process.execPath, ["cli/trustee-access.mjs", "check"], {
      reject: false,
      env: { TRUSTEE_ACCESS_OPA: opa },
    });
    expect({ exitCode, stdout, stderr }).toEqual({
      exitCode: 2,
      stdout: "",
      stderr: `${opa} is Open Policy Agent 0.68.0, which is too old. Install Open Policy Agent 1.0 or newer, or name the program in TRUSTEE_ACCESS_OPA.`,
    });
  });

  it("because pulumi prints something else", async () => {
    pulumi("no JSON");
    expect(await cli("verify")).toEqual({
      exitCode: 2,
      stdout: "",
      stderr: "The stack cannot be read: pulumi stack output --json did not print JSON.",
    });
  });

  it("because of an unexpected error: prints its stack, and the first line of its message", async () => {
    const program = `import { run } from "./cli/commands/run.ts";
      await run(async () => { throw new TypeError("first\\nsecond"); });`;
    const { exitCode, stderr } = await node("--input-type=module-typescript", "--eval", program);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/^Unexpected error: TypeError: first\n\s+at /);
    expect(stderr).not.toContain("second");
  });
});

describe("a command that only prints its usage exits with 0", () => {
  it.each([[["verify", "--help"]], [["--help"]], [["help", "lint"]], [["explain", "--help"]]])(
    "%j",
    async (args) => {
      const { exitCode, stdout } = await cli(...args);
      expect({ exitCode, hasUsage: stdout.startsWith("Usage: ") }).toEqual({ exitCode: 0, hasUsage: true });
    },
  );
});
