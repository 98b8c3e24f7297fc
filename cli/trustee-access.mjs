#!/usr/bin/env node
// The command trustee-access. A clone holds it as TypeScript, which Node runs as it is; the package holds it compiled.
import { existsSync } from "node:fs";

const source = new URL("main.ts", import.meta.url);
const compiled = new URL("../dist/cli/main.js", import.meta.url);
// eslint-disable-next-line no-restricted-syntax -- which of the two depends on where this file is
await import((existsSync(source) ? source : compiled).href);
