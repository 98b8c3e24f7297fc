// Installs the dependencies, unless what is installed is what the lock says. Plain JavaScript without dependencies,
// since it runs on the host's own Node before anything is there: `npm run demo` and `npm test` begin with it. All that it says goes to
// the error stream: the output is that of the command that follows.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, lstatSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const [major = 0] = process.versions.node.split(".").map(Number);
if (major < 20) {
  console.error(
    `This needs Node 20 or newer to install itself; here is ${process.versions.node}: https://nodejs.org`,
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
      "node_modules is a symbolic link, and npm would empty the folder that it leads to. Remove the link.",
    );
    process.exit(1);
  }
  console.error("Installing the dependencies (once; about a minute) ...");
  const npm = spawnSync("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: root,
    stdio: ["ignore", 2, "inherit"],
    shell: process.platform === "win32",
  });
  if (npm.status !== 0) {
    console.error("npm ci failed; its own message stands above.");
    process.exit(npm.status ?? 1);
  }
  writeFileSync(marker, wanted);
}
