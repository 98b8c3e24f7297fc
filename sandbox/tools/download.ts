import { createHash } from "node:crypto";
import { chmod, mkdir, mkdtemp, open, rename, rm } from "node:fs/promises";
import { setGlobalProxyFromEnv } from "node:http";
import { basename, join } from "node:path";
import { execa } from "execa";
import { messageOf } from "../../core/records.ts";
import type { Tool } from "./catalog.ts";
import { publishedChecksum, type Release } from "./releases.ts";

/** Access to the release hosts. */
export interface Network {
  /** Maps an address to the one that is fetched. Tests use it to play the hosts. */
  readonly at: (url: string) => string;
  /** Timeout for the first response of a host. Milliseconds. */
  readonly answer: number;
  /** Timeout for a transfer without new data. Milliseconds. */
  readonly stall: number;
}

/** The real hosts. A machine without network access waits three seconds, once. */
export const internet: Network = { at: (url) => url, answer: 3000, stall: 15_000 };

/** A tool with its release, and the cache folder of the program. */
export interface Wanted {
  readonly tool: Tool;
  readonly release: Release;
  readonly folder: string;
}

/** The cache folder of a downloaded tool. It depends on the URL. */
export function downloadFolder(cache: string, tool: Tool, release: Release): string {
  const hash = createHash("sha256").update(release.url).digest("hex");
  return join(cache, `${tool.name}-${hash.slice(0, 16)}`);
}

/**
 * Moves a program into its cache folder, which is on the same file system. It is there completely or not at
 * all.
 */
export async function placeWhole(file: string, folder: string, name: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await rename(file, join(folder, name));
}

/** @param host set if the host did not answer or stalled; absent if it answered without the file */
class DownloadError extends Error {
  readonly host: string | undefined;

  constructor(message: string, host?: string) {
    super(message);
    this.host = host;
  }
}

/**
 * Downloads tools.
 * - A program reaches its folder only if the sha256 of the downloaded file matches the published one.
 * - A failure leaves no files.
 * - A host that does not answer is not asked again.
 */
export class Downloads {
  readonly #cache: string;
  readonly #network: Network;
  readonly #detail: (text: string) => void;
  readonly #signal: AbortSignal | undefined;
  /** The reason for each tool that could not be downloaded. */
  readonly failures = new Map<Tool, string>();
  readonly #silent = new Map<string, string>();

  /** @param signal cancels a download */
  constructor(cache: string, network: Network, detail: (text: string) => void, signal?: AbortSignal) {
    [this.#cache, this.#network, this.#detail, this.#signal] = [cache, network, detail, signal];
  }

  /** @returns the downloaded tools; see {@link failures} for the others */
  async provide(wanted: readonly Wanted[]): Promise<readonly Wanted[]> {
    const withoutProxy = setGlobalProxyFromEnv();
    try {
      const files = [...Map.groupBy(wanted, ({ release }) => release.url).values()];
      const sums = await this.#checksums(files);
      const done: Wanted[] = [];
      for (const [index, [sum, programs]] of sums.entries()) {
        const title = `downloading ${programs.map(({ tool }) => tool.name).join(" and ")} (${index + 1} of ${sums.length})`;
        if (await this.#try(programs, async () => this.#file(programs, sum, title))) done.push(...programs);
      }
      return done;
    } finally {
      withoutProxy();
    }
  }

  /** Checksums first, from all hosts in parallel, so that the timeouts of unreachable hosts overlap. */
  async #checksums(
    files: readonly (readonly Wanted[])[],
  ): Promise<readonly (readonly [sum: string, programs: readonly Wanted[]])[]> {
    this.#detail("asking for the releases' checksums");
    const byHost = Map.groupBy(files, ([first]) => hostOf(first?.release.checksums ?? ""));
    const found = [...byHost.values()].map(async (ofHost) => {
      const sums: (readonly [string, readonly Wanted[]])[] = [];
      for (const programs of ofHost) {
        await this.#try(programs, async () => {
          sums.push([await this.#checksum(programs), programs]);
        });
      }
      return sums;
    });
    return (await Promise.all(found)).flat();
  }

  /** Records a failure. Throws only if the user aborts. */
  async #try(programs: readonly Wanted[], work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      this.#signal?.throwIfAborted();
      const reason = messageOf(error);
      if (error instanceof DownloadError && error.host !== undefined) this.#silent.set(error.host, reason);
      for (const { tool } of programs) this.failures.set(tool, reason);
      return false;
    }
  }

  async #checksum([first]: readonly Wanted[]): Promise<string> {
    const { url, checksums } = first?.release ?? { url: "", checksums: "" };
    const chunks: Uint8Array[] = [];
    await this.#read(checksums, (chunk) => chunks.push(chunk));
    const sum = publishedChecksum(Buffer.concat(chunks).toString(), basename(url));
    if (sum === undefined) throw new DownloadError(`${checksums} has no sha256 of ${basename(url)}`);
    return sum;
  }

  async #file(programs: readonly Wanted[], sum: string, title: string): Promise<void> {
    const url = programs[0]?.release.url ?? "";
    await mkdir(this.#cache, { recursive: true });
    const temporary = await mkdtemp(join(this.#cache, ".downloading-"));
    try {
      const file = join(temporary, basename(url));
      const actual = await this.#save(url, file, title);
      if (actual !== sum) {
        throw new DownloadError(
          `${url} is not what its release published: its sha256 is ${actual}, not ${sum}`,
        );
      }
      for (const { tool, release, folder } of programs) {
        if (release.path !== undefined) await unpack(file, release.path, temporary);
        const program = release.path === undefined ? file : join(temporary, release.path);
        await chmod(program, 0o755);
        await placeWhole(program, folder, tool.name);
      }
    } finally {
      await rm(temporary, { recursive: true, force: true });
    }
  }

  /** @returns the sha256 of the file */
  async #save(url: string, file: string, title: string): Promise<string> {
    const hash = createHash("sha256");
    const output = await open(file, "wx", 0o600);
    let [bytes, shown] = [0, ""];
    try {
      await this.#read(url, async (chunk, total) => {
        hash.update(chunk);
        await output.writeFile(chunk);
        bytes += chunk.length;
        const now = `${title}: ${megabytes(bytes)}${total > 0 ? ` of ${megabytes(total)}` : ""} MB`;
        if (now !== shown) this.#detail(now);
        shown = now;
      });
    } finally {
      await output.close();
    }
    return hash.digest("hex");
  }

  /** @param each called with each chunk, and the total length or 0 if unknown */
  async #read(url: string, each: (chunk: Uint8Array, total: number) => unknown): Promise<void> {
    const host = hostOf(url);
    const before = this.#silent.get(host);
    if (before !== undefined) throw new DownloadError(before);
    const silence = new AbortController();
    const { answer, stall } = this.#network;
    const giveUp = (what: string) => (): void => {
      silence.abort(new DownloadError(`${host} ${what}`, host));
    };
    let timer = setTimeout(giveUp(`did not answer within ${answer / 1000} s`), answer);
    try {
      const signals = [silence.signal, ...(this.#signal ? [this.#signal] : [])];
      const response = await fetch(this.#network.at(url), {
        signal: AbortSignal.any(signals),
        // The checksum is that of the uncompressed file.
        headers: { "accept-encoding": "identity" },
      });
      clearTimeout(timer);
      timer = setTimeout(giveUp(`sent nothing more for ${stall / 1000} s`), stall);
      if (!response.ok || response.body === null) {
        await response.body?.cancel();
        throw new DownloadError(`${url} was answered with status ${response.status}`);
      }
      const total = Number(response.headers.get("content-length") ?? 0);
      for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
        timer.refresh();
        await each(chunk, total);
      }
    } catch (error) {
      throw error instanceof DownloadError ? error : new DownloadError(`${host}: ${causeOf(error)}`, host);
    } finally {
      clearTimeout(timer);
    }
  }
}

function hostOf(url: string): string {
  return new URL(url).host;
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(0);
}

/** fetch throws "fetch failed"; the reason is in its cause. */
function causeOf(error: unknown): string {
  return error instanceof Error && error.cause instanceof Error ? causeOf(error.cause) : messageOf(error);
}

async function unpack(archive: string, path: string, folder: string): Promise<void> {
  const { failed, stderr } = await execa("tar", ["-xf", archive, "-C", folder, path], { reject: false });
  if (failed) throw new DownloadError(`${basename(archive)} could not be unpacked: ${stderr}`);
}
