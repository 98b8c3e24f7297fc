// Installs the dependencies if package-lock.json has changed. It is plain JavaScript without dependencies,
// because `npm run demo` and `npm test` run it first, on the host's Node. It prints only to stderr, because
// stdout belongs to the command that follows.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, lstatSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const [major = 0] = process.versions.node.split(".").map(Number);
if (major < 20) {
  console.error(
    `The installation needs Node 20 or newer, but this is ${process.versions.node}: https://nodejs.org`,
  );
  process.exit(1);
}

const root = fileURLToPath(new URL("..", import.meta.url));
const marker = `${root}node_modules/.installed-lock`;
const wanted = createHash("sha256")
  .update(readFileSync(`${root}package-lock.json`))
  .digest("hex");

if (!existsSync(marker) || readFileSync(marker, "utf8") !== wanted) {
  if (lstatSync(`${root}node_modules`, { throwIfNoEntry: false })?.isSymbolicLink()) {
    console.error(
      "node_modules is a symbolic link, and npm would delete the content of its target. Remove the link.",
    );
    process.exit(1);
  }
  console.error("Installing the dependencies (once; about a minute) ...");
  const npm = spawnSync("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: root,
    stdio: ["ignore", 2, "inherit"],
  });
  if (npm.status !== 0) {
    console.error("npm ci failed; see its message above.");
    process.exit(npm.status ?? 1);
  }
  writeFileSync(marker, wanted);
}
