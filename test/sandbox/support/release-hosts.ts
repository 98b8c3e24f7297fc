import { createHash } from "node:crypto";
import { createServer, type Server, type ServerResponse } from "node:http";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { execa } from "execa";
import type { Tool } from "../../../sandbox/tools/catalog.ts";
import type { Network } from "../../../sandbox/tools/download.ts";
import { type Release, thisPlatform } from "../../../sandbox/tools/releases.ts";

/** The behaviour of a host for one address. */
type Behaviour = Buffer | ((response: ServerResponse) => void);

/** A released program that prints its name. */
export const program = (name: string): string => `#!/bin/sh\necho 'released ${name}'\n`;

export function releaseOf(tool: Tool): Release {
  const platform = thisPlatform();
  const release = platform && tool.release(platform);
  if (release === undefined) throw new Error(`${tool.name} is not released for this platform`);
  return release;
}

/** Simulates all release hosts: each address is a path of one server. */
export class ReleaseHosts {
  readonly #server: Server;
  readonly answers = new Map<string, Behaviour>();
  readonly requests: string[] = [];

  constructor() {
    this.#server = createServer((request, response) => {
      const url = `https:/${request.url ?? ""}`;
      this.requests.push(url);
      const answer = this.answers.get(url);
      if (typeof answer === "function") answer(response);
      else if (answer === undefined) response.writeHead(404).end("no such file");
      else response.end(answer);
    });
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  network(): Network {
    const { port } = this.#server.address() as AddressInfo;
    return { at: (url) => url.replace("https:/", `http://127.0.0.1:${port}`), answer: 300, stall: 300 };
  }

  /** Publishes the files of these tools, with checksums in the format of each release. */
  async publish(tools: readonly Tool[]): Promise<void> {
    const sums = new Map<string, { readonly name: string; readonly sum: string }[]>();
    for (const [url, programs] of Map.groupBy(tools, (tool) => releaseOf(tool).url)) {
      const file = await released(programs);
      this.answers.set(url, file);
      const sum = createHash("sha256").update(file).digest("hex");
      const [{ checksums }] = programs.map(releaseOf) as [Release];
      sums.set(checksums, [...(sums.get(checksums) ?? []), { name: basename(url), sum }]);
    }
    for (const [url, files] of sums) {
      const text = url.startsWith("https://api.github.com/")
        ? JSON.stringify({
            assets: files.map(({ name, sum }) => ({ name, digest: `sha256:${sum}`, size: 1 })),
          })
        : url.startsWith("https://dl.k8s.io/")
          ? (files[0]?.sum ?? "")
          : files.map(({ name, sum }) => `${sum}  ${name}\n`).join("");
      this.answers.set(url, Buffer.from(text));
    }
  }
}

/** The release file of these programs: one program, or an archive. */
async function released(programs: readonly Tool[]): Promise<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), "trustee-access-release-"));
  try {
    const paths: string[] = [];
    for (const tool of programs) {
      const { path } = releaseOf(tool);
      if (path === undefined) return Buffer.from(program(tool.name));
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), program(tool.name));
      paths.push(path);
    }
    await execa("tar", ["-czf", "archive", ...paths], { cwd: folder });
    return await readFile(join(folder, "archive"));
  } finally {
    await rm(folder, { recursive: true });
  }
}
