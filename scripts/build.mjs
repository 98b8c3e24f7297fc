// Compiles the components, the provider `trustee` and the commands into dist/. As a package they must be JavaScript,
// because Node does not run TypeScript inside of node_modules.
import { spawnSync } from "node:child_process";
import { cpSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
rmSync(`${root}dist`, { recursive: true, force: true });
const tsc = spawnSync(process.execPath, ["node_modules/typescript/bin/tsc", "-p", "tsconfig.build.json"], {
  cwd: root,
  stdio: "inherit",
});
if (tsc.status !== 0) process.exit(tsc.status ?? 1);
cpSync(`${root}provider/pulumi-resource-trustee`, `${root}dist/provider/pulumi-resource-trustee`);
