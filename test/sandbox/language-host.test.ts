import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { LANGUAGE_HOST, placeLanguageHost } from "../../sandbox/pulumi/language-host.ts";
import { sharedFolder } from "../support/folders.ts";

describe("the language host that the sandbox builds", () => {
  const folder = sharedFolder();

  /** The arguments of the host for a project with that Pulumi.yaml. */
  async function started(project: string | undefined): Promise<string[]> {
    const bin = mkdtempSync(join(folder, "bin it's-"));
    await placeLanguageHost(bin, (place) => {
      const program = join(place, LANGUAGE_HOST);
      writeFileSync(program, `#!/bin/sh\nprintf '%s\\n' "$@"\n`);
      chmodSync(program, 0o755);
      return Promise.resolve();
    });
    if (project !== undefined) writeFileSync(join(bin, "Pulumi.yaml"), project);
    const said = execFileSync(join(bin, LANGUAGE_HOST), ["127.0.0.1:1 2"], { cwd: bin, encoding: "utf8" });
    return said.trim().split("\n");
  }

  it.each<[string, string | undefined, ...string[]]>([
    [
      "this project",
      readFileSync("Pulumi.yaml", "utf8"),
      "-typescript=false",
      "-nodeargs=--import ./components/startup.ts",
      "127.0.0.1:1 2",
    ],
    [
      "arguments for Node, with a comment",
      "runtime:\n  options:\n    nodeargs: --import ./a.ts  # b # c\n",
      "-nodeargs=--import ./a.ts",
      "127.0.0.1:1 2",
    ],
    [
      "a comment after it",
      "runtime:\n  options:\n    typescript: false # types\n",
      "-typescript=false",
      "127.0.0.1:1 2",
    ],
    ["another value", "runtime:\n  options:\n    typescript: true\n", "127.0.0.1:1 2"],
    ["the default", "runtime: nodejs\ndescription: 'no typescript: false'\n", "127.0.0.1:1 2"],
    ["no project", undefined, "127.0.0.1:1 2"],
  ])("gets the options of the project: %s", async (_, project, ...expected) => {
    expect(await started(project)).toEqual(expected);
  });
});
