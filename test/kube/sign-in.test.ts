import { readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { KubeClient } from "../../kube/client.ts";
import { loadCluster } from "../../kube/cluster.ts";
import { KubeError } from "../../kube/errors.ts";
import { apiServer, clientOf, folderWith, kubeconfigOf, ref, type ApiServer } from "./api-server.ts";

interface Plugin {
  readonly kube: (signal?: AbortSignal, requestTimeout?: number) => KubeClient;
  readonly server: ApiServer;
  readonly runs: () => number;
}

/** @param program the plugin's actions in addition to counting its runs */
async function plugin(program: string): Promise<Plugin> {
  const server = await apiServer();
  const source = `require("node:fs").appendFileSync(__dirname + "/runs", "."); ${program}`;
  const folder = folderWith({ "plugin.cjs": source, runs: "" });
  const exec = { command: process.execPath, args: [join(folder, "plugin.cjs")] };
  const kubeconfig = kubeconfigOf({ server: server.url, user: { exec } });
  const config = loadCluster({ kubeconfig });
  return {
    kube: (signal = new AbortController().signal, requestTimeout?: number) =>
      new KubeClient(config, signal, undefined, undefined, requestTimeout),
    server,
    runs: () => readFileSync(join(folder, "runs"), "utf8").length,
  };
}

const PRINTS = `console.log(JSON.stringify({ status: { token: "of-plugin" } }));`;

test("concurrent requests sign in once", async () => {
  const { kube, server, runs } = await plugin(`setTimeout(() => { ${PRINTS} }, 200)`);
  await Promise.all(Array.from({ length: 10 }, () => kube().get(ref)));
  expect(runs()).toBe(1);
  expect(server.requests.map(({ headers }) => headers.authorization)).toEqual(
    Array.from({ length: 10 }, () => "Bearer of-plugin"),
  );
});

test("a failed sign-in fails all waiting requests, and the next request tries again", async () => {
  const { kube, runs } = await plugin(`process.stderr.write("no badge"); process.exitCode = 1;`);
  const failed = await Promise.allSettled(Array.from({ length: 5 }, () => kube().get(ref)));
  for (const each of failed) {
    expect(each).toMatchObject({
      reason: { failure: "unauthorized", detail: "the kubeconfig's sign-in fails: no badge" },
    });
  }
  expect(runs()).toBe(1);
  await expect(kube().get(ref)).rejects.toThrow("no badge");
  expect(runs()).toBe(2);
});

test("a cancelled request stops waiting for a sign-in that still serves the others", async () => {
  const { kube, runs } = await plugin(`setTimeout(() => { ${PRINTS} }, 1500)`);
  const abort = new AbortController();
  const cancelled = kube(abort.signal).get(ref);
  const other = kube().get(ref);
  await sleep(100);
  const started = performance.now();
  abort.abort();
  await expect(cancelled).rejects.toMatchObject({ failure: "aborted" });
  expect(performance.now() - started).toBeLessThan(200);
  expect(await other).toBeDefined();
  expect(runs()).toBe(1);
});

test("a sign-in may take longer than a request", async () => {
  const { kube } = await plugin(`setTimeout(() => { ${PRINTS} }, 1500)`);
  expect(await kube(undefined, 1000).get(ref)).toBeDefined();
});

/** The error for a kubeconfig user with this sign-in. */
async function refusal(exec: Readonly<Record<string, unknown>>): Promise<string> {
  const kubeconfig = kubeconfigOf({ server: "https://kube.example", user: { exec } });
  const error: unknown = await clientOf({ kubeconfig })
    .get(ref)
    .catch((thrown: unknown) => thrown);
  if (!(error instanceof KubeError)) throw new Error("it was not refused");
  expect(error.failure).toBe("unauthorized");
  return error.message.replace(
    /^TA802 cannot get \S+ "[^"]*" in namespace "[^"]*": the kubeconfig's sign-in fails: /,
    "",
  );
}

const SECRET = "hunter2-the-token";

test.each(
  Object.entries<readonly [Readonly<Record<string, unknown>>, string]>({
    "is not there, with the kubeconfig's hint": [
      { command: "exampleauth", installHint: "Run: brew install exampleauth.\n" },
      'the plugin "exampleauth" of the user "u" is not installed. Run: brew install exampleauth.',
    ],
    "is not there": [
      { command: "exampleauth" },
      `the plugin "exampleauth" of the user "u" is not installed. Install exampleauth, put it on the PATH, or correct the user's exec.command.`,
    ],
    "is no program": [
      { command: "/" },
      `the plugin "/" of the user "u" cannot be run (EACCES). Make it a program that this account may run, or correct the user's exec.command.`,
    ],
    "prints something else, which may be a token": [
      { command: process.execPath, args: ["-p", JSON.stringify(SECRET)] },
      `the plugin "${process.execPath}" of the user "u" prints no ExecCredential. See its output: kubectl get --raw /version`,
    ],
    "prints a credential without a status": [
      { command: process.execPath, args: ["-p", `'{"token":"${SECRET}"}'`] },
      `the plugin "${process.execPath}" of the user "u" prints no ExecCredential. See its output: kubectl get --raw /version`,
    ],
    "fails without a word": [
      { command: process.execPath, args: ["-e", "process.exit(1)"] },
      `the plugin "${process.execPath}" of the user "u" ends with an error and no message. See its output: kubectl get --raw /version`,
    ],
    "fails and says why": [
      { command: process.execPath, args: ["-e", "process.stderr.write('no badge\\n');process.exit(1)"] },
      `no badge. The plugin "${process.execPath}" of the user "u" reports this. Renew the credentials of this kubeconfig context.`,
    ],
  }),
)("a plugin that %s", async (_, [exec, message]) => {
  expect(await refusal(exec)).toBe(message);
});
