import { ESLint } from "eslint";
import tseslint from "typescript-eslint";
import { expect, test } from "vitest";

// As `npm run lint` has it, but without the types: they take seconds, and none of these rules asks for them.
const eslint = new ESLint({
  overrideConfig: [
    { files: ["**/*.ts", "**/*.mjs"], ...tseslint.configs.disableTypeChecked },
    { languageOptions: { parserOptions: { projectService: false, project: false } } },
  ],
});

const ours = [
  "no-restricted-imports",
  "no-restricted-syntax",
  "no-restricted-globals",
  "no-restricted-properties",
];

/** Whether the rules for imports and for the pure core let a line of code stand in a file. */
async function allows(filePath: string, code: string): Promise<boolean> {
  const [result] = await eslint.lintText(code, { filePath });
  if (result === undefined) throw new Error(`${filePath} is not linted`);
  const fatal = result.messages.filter((message) => message.fatal);
  if (fatal.length > 0) throw new Error(fatal[0]?.message);
  return !result.messages.some(({ ruleId }) => ruleId !== null && ours.includes(ruleId));
}

/** The ways to import a module. */
const ways = [
  (from: string) => `import { x } from "${from}";`,
  (from: string) => `import type { x } from "${from}";`,
  (from: string) => `export * from "${from}";`,
  (from: string) => `await import("${from}");`,
];

/** CONTRIBUTING.md's table. */
const may: Readonly<Record<string, readonly string[]>> = {
  "index.ts": ["components"],
  components: ["core"],
  core: [],
  protocol: [],
  kube: ["core"],
  provider: ["core", "kube", "protocol"],
  cli: ["core", "kube"],
  sandbox: ["core", "kube", "protocol"],
  examples: [],
  demo: ["core", "sandbox"],
  bench: ["core", "sandbox"],
  ci: [],
  scripts: [],
};

const all = [...Object.keys(may).filter((name) => name !== "index.ts"), "test"];

test.each(Object.entries(may))("%s imports what it may, and nothing else", async (folder, allowed) => {
  const [file, up] = folder === "index.ts" ? ["index.ts", "./"] : [`${folder}/some/file.ts`, "../../"];
  for (const other of all.filter((name) => name !== folder)) {
    for (const way of ways) {
      const code = way(`${up}${other}/some.ts`);
      expect([code, await allows(file, code)]).toEqual([code, allowed.includes(other)]);
    }
  }
  const hidden = "const name = `../../sandbox/api.ts`; await import(name);";
  expect(await allows(file, hidden)).toBe(false);
});

test("only the components, the program and the examples use Pulumi's SDK; the protocol is for all but the core", async () => {
  const sdk = 'import { Output } from "@pulumi/pulumi";';
  const generated = 'import pb from "@pulumi/pulumi/proto/provider_pb.js";';
  const answers: Record<string, readonly boolean[]> = {};
  for (const folder of Object.keys(may)) {
    const file = folder === "index.ts" ? folder : `${folder}/file.ts`;
    answers[folder] = [await allows(file, sdk), await allows(file, generated)];
  }
  const [both, protocol, none] = [
    [true, true],
    [false, true],
    [false, false],
  ];
  expect(answers).toEqual({
    ...{ "index.ts": both, components: both, examples: both, core: none },
    ...{ protocol, kube: protocol, provider: protocol, cli: protocol, sandbox: protocol },
    ...{ demo: protocol, bench: protocol, ci: protocol, scripts: protocol },
  });
});

test.each([
  ...[
    'import { readFileSync } from "node:fs";',
    'import fs from "fs";',
    'import { readFile } from "fs/promises";',
  ],
  ...[
    'import { get } from "node:http";',
    'import { get } from "node:https";',
    'import { connect } from "node:tls";',
  ],
  ...[
    'import { execa } from "execa";',
    'import { spawn } from "node:child_process";',
    'import os from "node:os";',
  ],
  ...['import { hrtime } from "node:process";', 'import { load } from "@kubernetes/client-node";'],
  ...['import { randomUUID } from "node:crypto";', 'import * as crypto from "node:crypto";'],
  ...['import { createHash } from "crypto";', 'await import("node:crypto");', 'await import("node:fs");'],
  ...[
    "new Date();",
    "Date();",
    "Date.now();",
    "const { now } = Date;",
    "Math.random();",
    "performance.now();",
  ],
  ...["crypto.randomUUID();", "process.env;", "globalThis.process;", 'fetch("x");', 'require("fs");'],
  ...["setTimeout(f);", "setImmediate(f);", "console.log(1);"],
])("the core may not: %s", async (code) => {
  expect(await allows("core/file.ts", code)).toBe(false);
});

test.each([
  ...['import { createHash } from "node:crypto";', 'import { X509Certificate } from "node:crypto";'],
  ...['import { z } from "zod";', 'import TOML from "@iarna/toml";', 'import { gzip } from "pako";'],
  ...["new Date(0).toISOString();", 'Date.parse("2026-01-01");', "Math.max(1, 2);", 'Buffer.from("x");'],
  ...['import { a } from "./b.ts";', 'import { a } from "../b.ts";', 'import { a } from "../../digest.ts";'],
])("the core may: %s", async (code) => {
  expect(await allows("core/deep/file.ts", code)).toBe(true);
});

test("no record is indexed by a name that may be anybody's, neither to read nor to write", async () => {
  const lines = [
    "export const one = (r: Readonly<Record<string, number>>, n: string) => r[n];",
    "export const two = (r: Record<string, 1> | undefined, n: string) => r?.[n];",
    "export const three = (r: Record<string, 1>, n: string) => void (r[n] = 1);",
    'export const four = (r: Record<string, 1>) => r["known"];',
    'export const five = (r: Record<"a" | "b", 1>, n: "a" | "b") => r[n];',
    "export const six = (r: readonly string[], n: number) => r[n];",
  ];
  // The types are those of a file that is there.
  const [result] = await new ESLint().lintText(lines.join("\n"), { filePath: "core/own.ts" });
  const found = result?.messages.filter(({ ruleId }) => ruleId === "project/own-entries");
  expect(found?.map(({ line }) => line)).toEqual([1, 2, 3]);
});
