import { execa } from "execa";
import { findOnPath, parseVersion } from "./installed.ts";

const howToGet: Readonly<Record<string, string>> = {
  go: "Go 1.26 or newer, which builds Kubernetes and Pulumi from source: https://go.dev/dl",
  openssl:
    "openssl, which makes the certificates: your system's package manager (apt install openssl, brew install openssl)",
  curl: "curl, which reads secrets in the sandbox's pods: your system's package manager (apt install curl, brew install curl)",
};

/**
 * Checks for the programs that the sandbox needs and does not provide itself.
 * @param needsGo whether a tool must be built
 * @throws Error that lists each missing program and how to install it
 */
export async function checkRequirements(path: string, needsGo: boolean): Promise<void> {
  const problems: string[] = [];
  for (const name of needsGo ? ["go", "openssl", "curl"] : ["openssl", "curl"]) {
    const file = await findOnPath(name, path);
    if (file === undefined) problems.push(`${name} is not on PATH: install ${howToGet[name] ?? name}`);
    else if (name === "go") problems.push(...(await goProblems(file)));
  }
  if (problems.length > 0) {
    throw new Error(
      `The sandbox needs programs that are missing here:\n${problems.map((p) => `  - ${p}`).join("\n")}`,
    );
  }
}

/** Go 1.21 or newer downloads the toolchain that go.mod names, unless GOTOOLCHAIN forbids it. */
async function goProblems(file: string): Promise<string[]> {
  const { stdout } = await execa(file, ["env", "GOVERSION", "GOTOOLCHAIN"], { reject: false, cwd: "/" });
  const [release = "", toolchain = ""] = stdout.split("\n");
  const version = parseVersion(`${release.replace(/^go/, "")}.0`);
  if (version === undefined)
    return [`go (${file}) does not report its version: install ${howToGet["go"] ?? "go"}`];
  const fetches = toolchain.startsWith("auto") || toolchain.includes("+auto");
  const enough = version[0] > 1 || version[1] >= (fetches ? 21 : 26);
  return enough ? [] : [`go is ${release}, which is too old: install ${howToGet["go"] ?? "go"}`];
}
