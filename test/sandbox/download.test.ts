import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Tool, toolModules } from "../../sandbox/tools/catalog.ts";
import { Downloads, type Network } from "../../sandbox/tools/download.ts";
import { program, ReleaseHosts, releaseOf } from "./support/release-hosts.ts";
import { temporaryFolder } from "../support/folders.ts";

const named = (...names: readonly string[]): readonly Tool[] =>
  names.map((name) => {
    const tool = toolModules.flatMap(({ tools }) => tools).find((each) => each.name === name);
    if (tool === undefined) throw new Error(`there is no tool ${name}`);
    return tool;
  });

const hosts = new ReleaseHosts();
let cache: string;
let network: Network;
beforeEach(async () => {
  cache = temporaryFolder();
  hosts.answers.clear();
  hosts.requests.length = 0;
  await hosts.start();
  network = hosts.network();
});
afterEach(async () => hosts.stop());

interface Outcome {
  readonly done: readonly string[];
  readonly failures: Readonly<Record<string, string>>;
  readonly left: readonly string[];
  readonly said: readonly string[];
}

async function download(tools: readonly Tool[], signal?: AbortSignal): Promise<Outcome> {
  const said: string[] = [];
  const downloads = new Downloads(cache, network, (text) => said.push(text), signal);
  const wanted = tools.map((tool) => ({ tool, release: releaseOf(tool), folder: join(cache, tool.name) }));
  const done = (await downloads.provide(wanted)).map(({ tool }) => tool.name);
  const failures = Object.fromEntries([...downloads.failures].map(([tool, why]) => [tool.name, why]));
  return { done, failures, left: await left(), said };
}

const nothing = (failures: object) => ({ done: [], failures, left: [], said: expect.any(Array) as unknown });

async function left(): Promise<readonly string[]> {
  const entries = await readdir(cache, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(cache.length + 1))
    .sort();
}

test("downloads every program as executable, and fetches each archive once", async () => {
  const tools = toolModules.flatMap((module) => module.tools).filter(({ name }) => !name.startsWith("kube-"));
  await hosts.publish(tools);
  const names = tools.map(({ name }) => name);
  const outcome = await download(tools);
  expect({ ...outcome, done: [...outcome.done].sort(), said: [] }).toEqual({
    done: [...names].sort(),
    failures: {},
    left: names.map((name) => `${name}/${name}`).sort(),
    said: [],
  });
  for (const name of names) {
    expect(await readFile(join(cache, name, name), "utf8")).toBe(program(name));
    expect((await execa(join(cache, name, name))).stdout).toBe(`released ${name}`);
  }
  expect(new Set(hosts.requests).size).toBe(hosts.requests.length);
});

test("follows a redirection", async () => {
  const [kwok] = named("kwok") as [Tool];
  await hosts.publish([kwok]);
  const { url } = releaseOf(kwok);
  hosts.answers.set("https://elsewhere.example/kwok", hosts.answers.get(url) ?? silent);
  hosts.answers.set(url, (response) => {
    response.writeHead(302, { location: "/elsewhere.example/kwok" }).end();
  });
  expect(await download([kwok])).toMatchObject({ done: ["kwok"], failures: {}, left: ["kwok/kwok"] });
});

test("shows the file and megabytes as progress", async () => {
  const [kwok] = named("kwok") as [Tool];
  await hosts.publish([kwok]);
  expect((await download([kwok])).said).toEqual([
    "asking for the releases' checksums",
    "downloading kwok (1 of 1): 0 of 0 MB",
  ]);
});

const silent = (): void => undefined;
const cutOff = (response: ServerResponse): void => {
  response.writeHead(200, { "content-length": 1000 }).write("#!/bin/sh\n");
  setTimeout(() => response.destroy(), 20);
};
const stalled = (response: ServerResponse): void => {
  response.writeHead(200, { "content-length": 1000 }).write("#!/bin/sh\n");
};

describe("a failed download leaves nothing:", () => {
  const [kwok] = named("kwok") as [Tool];
  const { url, checksums } = releaseOf(kwok);

  test.each([
    [
      "one with another checksum",
      url,
      Buffer.from("#!/bin/sh\necho evil\n"),
      /^https:\/\/github\.com\/\S+\/kwok-\S+ is not what its release published: its sha256 is [0-9a-f]{64}, not [0-9a-f]{64}$/,
    ],
    ["one that is cut off", url, cutOff, /^github\.com: (other side closed|terminated)$/],
    ["one that stops in the middle", url, stalled, /^github\.com sent nothing more for 0\.3 s$/],
    ["one that never starts", url, silent, /^github\.com did not answer within 0\.3 s$/],
    ["one that does not exist", url, undefined, /^https:\/\/github\.com\/\S+ was answered with status 404$/],
    [
      "one whose release has no checksums",
      checksums,
      undefined,
      /^https:\/\/api\.github\.com\/\S+ was answered with status 404$/,
    ],
    [
      "one that is not among the checksums",
      checksums,
      Buffer.from('{"assets":[]}'),
      /^https:\/\/api\.github\.com\/\S+ has no sha256 of kwok-\S+$/,
    ],
    [
      "one whose checksums cannot be fetched",
      checksums,
      silent,
      /^api\.github\.com did not answer within 0\.3 s$/,
    ],
  ] as const)("%s", async (_, address, behaviour, why) => {
    await hosts.publish([kwok]);
    if (behaviour === undefined) hosts.answers.delete(address);
    else hosts.answers.set(address, behaviour);
    expect(await download([kwok])).toEqual(nothing({ kwok: expect.stringMatching(why) as unknown }));
  });

  test("an archive without the program", async () => {
    const [etcd, plugin] = named("etcd", "pulumi-resource-kubernetes") as [Tool, Tool];
    await hosts.publish([etcd]);
    const archive = hosts.answers.get(releaseOf(etcd).url) as Buffer;
    await hosts.publish([plugin]);
    const sum = createHash("sha256").update(archive).digest("hex");
    const release = releaseOf(plugin);
    hosts.answers.set(release.url, archive);
    hosts.answers.set(release.checksums, Buffer.from(`${sum}  ${release.url.replace(/^.*\//, "")}\n`));
    expect(await download([plugin])).toEqual(
      nothing({
        [plugin.name]: expect.stringMatching(/^pulumi-resource-\S+ could not be unpacked: tar: /) as unknown,
      }),
    );
  });

  test("an interruption by the user", async () => {
    await hosts.publish([kwok]);
    hosts.answers.set(url, stalled);
    const controller = new AbortController();
    const interrupted = download([kwok], controller.signal);
    while (!hosts.requests.includes(url)) await sleep(10);
    controller.abort(new Error("interrupted by SIGINT"));
    await expect(interrupted).rejects.toThrow("interrupted by SIGINT");
    expect(await left()).toEqual([]);
  });
});

describe("a host that does not answer", () => {
  const tools = named("kube-apiserver", "kube-scheduler", "kubectl", "opa");
  const [first] = tools as [Tool];

  test("is requested once, and other hosts still are", async () => {
    await hosts.publish(tools);
    hosts.answers.set(releaseOf(first).checksums, silent);
    const { done, failures } = await download(tools);
    const why = "dl.k8s.io did not answer within 0.3 s";
    expect({ done, failures }).toEqual({
      done: ["opa"],
      failures: { "kube-apiserver": why, "kube-scheduler": why, kubectl: why },
    });
    expect(hosts.requests.filter((url) => url.startsWith("https://dl.k8s.io/"))).toHaveLength(1);
  });

  test("fails at once without a network", async () => {
    await hosts.stop();
    const refused = (host: string): unknown =>
      expect.stringMatching(`^${host}: connect ECONNREFUSED 127\\.0\\.0\\.1:\\d+$`);
    expect(await download(tools)).toEqual(
      nothing({
        "kube-apiserver": refused("dl.k8s.io"),
        "kube-scheduler": refused("dl.k8s.io"),
        kubectl: refused("dl.k8s.io"),
        opa: refused("github.com"),
      }),
    );
    await hosts.start();
  });
});
