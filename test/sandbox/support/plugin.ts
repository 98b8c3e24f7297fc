import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { repositoryFolder } from "../../../sandbox/state/folders.ts";

/** Puts a Kubernetes plugin into a folder that can do nothing but tell its version. @returns the program */
export async function pluginOf(version: string, folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  const module = join(folder, "plugin.mjs");
  const [serve, scripted] = ["provider/protocol/serve.ts", "test/provider/protocol/scripted-provider.ts"].map(
    (file) => JSON.stringify(join(repositoryFolder, file)),
  );
  const lines = [
    `import { serve } from ${serve};`,
    `import { scripted } from ${scripted};`,
    `await serve(scripted, ${JSON.stringify({ name: "kubernetes", version })});`,
  ];
  await writeFile(module, lines.join("\n"));
  const program = join(folder, "pulumi-resource-kubernetes");
  await writeFile(program, `#!/bin/sh\nexec '${process.execPath}' '${module}' "$@"\n`, { mode: 0o755 });
  return program;
}
