#!/usr/bin/env node
// The command trustee-access. Node runs the TypeScript of a clone directly; the package contains it compiled.
import { existsSync } from "node:fs";

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  console.error(
    `TA953 trustee-access needs Node 22.18 or newer; this is ${process.versions.node}. Install a newer one; in a clone, npm ci brings it.`,
  );
  process.exit(2);
}
const source = new URL("main.ts", import.meta.url);
const compiled = new URL("../dist/cli/main.js", import.meta.url);
// eslint-disable-next-line no-restricted-syntax -- which of the two depends on where this file is
await import((existsSync(source) ? source : compiled).href);
