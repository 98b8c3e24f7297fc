import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { createInterface } from "node:readline";
import { execa } from "execa";
import type { Tool, ToolModule } from "./catalog.ts";
import { placeWhole } from "./download.ts";

/** The folder of a tool module: go.mod, go.sum and its own packages. */
function moduleFolder(module: ToolModule): string {
  return join(import.meta.dirname, module.name);
}

/**
 * The cache folder of a built tool. It depends on everything that goes into the program.
 * @param goVersion the output of `go env GOVERSION GOOS GOARCH`
 */
export async function cacheFolder(
  cache: string,
  module: ToolModule,
  tool: Tool,
  goVersion: string,
): Promise<string> {
  const hash = createHash("sha256");
  const entries = await readdir(moduleFolder(module), { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  for (const file of files.sort()) hash.update(await readFile(file));
  hash.update(JSON.stringify([goVersion, module.gcflags, module.linkerFlags, tool.package]));
  return join(cache, `${tool.name}-${hash.digest("hex").slice(0, 16)}`);
}

/** The file name that `go build` chooses: the last part of the package path that is not a major version. */
function builtName(tool: Tool): string {
  return basename(tool.package.replace(/\/v\d+$/, ""));
}

/** Go's build cache for all tool modules. An interrupted build leaves it for the next one. */
export function goBuildCache(cache: string): string {
  return join(cache, ".go-build");
}

const goEnvironment = (cache: string): Record<string, string> => ({
  CGO_ENABLED: "0",
  GOCACHE: goBuildCache(cache),
  GOFLAGS: `${process.env["GOFLAGS"] ?? ""} -mod=readonly -buildvcs=false`.trim(),
  GOWORK: "off",
});

/** `go env GOVERSION GOOS GOARCH`, on one line; undefined without Go. */
export async function goVersion(folder: string): Promise<string | undefined> {
  const result = await execa("go", ["env", "GOVERSION", "GOOS", "GOARCH"], { cwd: folder, reject: false });
  return result.failed ? undefined : result.stdout.split("\n").join(" ");
}

/**
 * Builds `tools` of one module with `go build`, and moves each into its cache folder.
 * @param detail called with each line of progress
 * @param signal cancels the build
 * @throws Error with the end of Go's output
 */
export async function buildTools(
  module: ToolModule,
  tools: ReadonlyMap<Tool, string>,
  cache: string,
  detail: (text: string) => void,
  signal?: AbortSignal,
): Promise<void> {
  await mkdir(cache, { recursive: true });
  const output = await mkdtemp(join(cache, ".building-"));
  const packages = [...tools.keys()].map((tool) => tool.package);
  const options = {
    cwd: moduleFolder(module),
    env: goEnvironment(cache),
    reject: false,
    ...(signal && { cancelSignal: signal }),
  } as const;
  const { linkerFlags, gcflags } = module;
  const flags = ["-v", "-gcflags", gcflags, "-ldflags", linkerFlags, "-o", `${output}/`];
  try {
    detail(`building ${module.name}: downloading Go modules`);
    const listed = await execa("go", ["list", "-deps", ...packages], options);
    const total = listed.stdout.split("\n").length;
    const build = execa("go", ["build", ...flags, ...packages], options);
    let count = 0;
    createInterface({ input: build.stderr }).on("line", (line) => {
      if (line.includes(" ")) return; // not a package name
      count += 1;
      detail(`building ${module.name}: ${count} of at most ${total} packages`);
    });
    const result = await build;
    signal?.throwIfAborted();
    if (result.failed) throw new Error(buildFailure(module, result.stderr));
    for (const [tool, folder] of tools) await placeWhole(join(output, builtName(tool)), folder, tool.name);
  } finally {
    await rm(output, { recursive: true, force: true });
  }
}

function buildFailure(module: ToolModule, stderr: string): string {
  const end = stderr.split("\n").slice(-12).join("\n");
  return [
    `Building ${module.name} from sandbox/tools/${module.name} with go build failed:`,
    end,
    "If the Go modules could not be downloaded, check `go env GOPROXY`. Packages that are already built are kept.",
  ].join("\n");
}
