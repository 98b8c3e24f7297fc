import { createHash } from "node:crypto";
import { chmod, mkdir, mkdtemp, open, rm } from "node:fs/promises";
import { setGlobalProxyFromEnv } from "node:http";
import { basename, join } from "node:path";
import { execa } from "execa";
import type { Tool } from "./catalog.ts";
import { placeWhole } from "./place.ts";
import { publishedChecksum, type Release } from "./releases.ts";

/** How the hosts of the releases are reached. */
export interface Network {
  /** Where an address is really read from: tests play the hosts. */
  readonly at: (url: string) => string;
  /** How long a host may take to answer. Milliseconds. */
  readonly answer: number;
  /** How long a transfer may bring nothing. Milliseconds. */
  readonly stall: number;
}

/** The hosts themselves; a host without a way to them waits for three seconds, once. */
export const internet: Network = { at: (url) => url, answer: 3000, stall: 15_000 };

/** A tool that its release may hold, and the folder that the program is to be in. */
export interface Wanted {
  readonly tool: Tool;
  readonly release: Release;
  readonly folder: string;
}

/** @param host the one that did not answer or stopped doing so; absent where it answered, but not with the file */
class DownloadError extends Error {
  readonly host: string | undefined;

  constructor(message: string, host?: string) {
    super(message);
    this.host = host;
  }
}

/**
 * Downloads one run's tools. A program is moved to its folder only after the sha256 of its file was found to be the one
 * that its release publishes; a failure leaves nothing. A host that does not answer is not asked again.
 */
export class Downloads {
  readonly #cache: string;
  readonly #network: Network;
  readonly #detail: (text: string) => void;
  readonly #signal: AbortSignal | undefined;
  /** By tool, why it could not be downloaded. */
  readonly failures = new Map<Tool, string>();
  readonly #silent = new Map<string, string>();

  /** @param signal ends a download that is under way */
  constructor(cache: string, network: Network, detail: (text: string) => void, signal?: AbortSignal) {
    [this.#cache, this.#network, this.#detail, this.#signal] = [cache, network, detail, signal];
  }

  /** @returns those that are in their folders now; see {@link failures} for the others */
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

  /** Small files first, from all hosts at once: so all that do not answer are waited for together. */
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

  /** Notes why it fails, other than by an abort. */
  async #try(programs: readonly Wanted[], work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      this.#signal?.throwIfAborted();
      const reason = error instanceof Error ? error.message : String(error);
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

  /** @returns the sha256 of what has been written to `file` */
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

  /** @param each called with every part of the file, and the file's length, 0 where it is not known */
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
        // What is checked is the file itself.
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

/** fetch says `fetch failed`, and why one level below. */
function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? causeOf(error.cause) : error.message;
}

async function unpack(archive: string, path: string, folder: string): Promise<void> {
  const { failed, stderr } = await execa("tar", ["-xf", archive, "-C", folder, path], { reject: false });
  if (failed) throw new DownloadError(`${basename(archive)} could not be unpacked: ${stderr}`);
}
