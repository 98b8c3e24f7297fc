import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { beforeAll, expect, test } from "vitest";
import { type Sandbox, startSandbox } from "../../../sandbox/api.ts";
import { repositoryFolder } from "../../../sandbox/state/folders.ts";
import { FAILED } from "../../../sandbox/trustee/standin/cdh.ts";
import { curl, trustedCertificate } from "../../e2e/support/cluster.ts";
import { create, field, read, ready } from "../../e2e/support/objects.ts";
import { BUILD_TIMEOUT, initdata, inTrustee, ownHome, pod } from "./support.ts";

const PATH = "kbsres1/key1";
let trustee: Sandbox;
let pods: Sandbox;

beforeAll(async () => {
  const cleanUp = await ownHome();
  trustee = await startSandbox({ name: "trustee" });
  pods = await startSandbox({ name: "pods", trusteeOf: "trustee" });
  return cleanUp;
}, BUILD_TIMEOUT);

/** `npm run sandbox -- ...`, without npm. */
function command(...args: readonly string[]) {
  const program = join(repositoryFolder, "sandbox", "main.ts");
  return execa(process.execPath, [program, ...args], { reject: false });
}

/** Starts a pod whose initdata names the Trustee of `side`, without an image policy. */
async function startPod(name: string, side: Sandbox): Promise<void> {
  const host = field(await read(side, "Route", "kbs-service"), "spec", "host");
  const toml = initdata(name, host, await trustedCertificate(side));
  await create(pods, pod(name, toml.replace(/\[image\]\n.*\n/, "")));
  await ready(pods, [name]);
}

/** The last reason why each pod could not reach its KBS, by pod. */
async function reasons(): Promise<Readonly<Record<string, string>>> {
  const log = await readFile(join(pods.dir, "logs", "standins.log"), "utf8");
  const lines = log.matchAll(/pod default\/(\S+) cannot ask its KBS for \S+: (.+)/g);
  return Object.fromEntries([...lines].map(([, name = "", why = ""]) => [name, why]));
}

async function kbsLog(sandbox: Sandbox): Promise<string> {
  return inTrustee(sandbox, "logs -l app=kbs --tail=-1");
}

test("shows in status the Trustee that the pods attest with", async () => {
  const { stdout } = await command("status");
  expect(stdout).toContain('  Pods attest with   the Trustee of the sandbox "trustee"\n');
  expect(stdout.match(/Pods attest with/g)).toHaveLength(1);
  const listed = JSON.parse((await command("status", "--json")).stdout) as readonly object[];
  expect(listed).toMatchObject([{ name: "pods", trusteeOf: "trustee" }, { name: "trustee" }]);
  const own = await command("up", "--name", "pods");
  expect([own.exitCode, own.stderr]).toEqual([
    1,
    expect.stringContaining("runs with trusteeOf trustee, not none"),
  ]);
});

test.each([
  ["nobody", 'The sandbox "nobody" does not run, but the pods of "more" are to attest with its Trustee.'],
  ["more", 'The pods of the sandbox "more" attest with its own Trustee anyway'],
])("rejects --trustee-of %s", async (other, message) => {
  const { exitCode, stderr } = await command("up", "--name", "more", "--trustee-of", other);
  expect([exitCode, stderr]).toEqual([1, expect.stringContaining(message)]);
});

test("attests in the other sandbox only a pod that trusts its KBS", async () => {
  await startPod("pod1", trustee);
  await startPod("pod2", pods);
  // Its digest is not a reference value, so it is denied.
  expect(await curl(pods, "pod1", PATH)).toBe(FAILED);
  expect(await kbsLog(trustee)).toContain("ERROR kbs::error] PolicyDeny");
  expect(await curl(pods, "pod2", PATH)).toBe(FAILED);
  expect(await reasons()).toEqual({ pod2: "the KBS serves another certificate than its initdata trusts" });
  expect(await kbsLog(pods)).not.toContain("actix_web");
});

test("keeps pods running without the sandbox of their Trustee, but they read nothing", async () => {
  await trustee.stop();
  expect(await curl(pods, "pod1", PATH)).toBe(FAILED);
  expect((await reasons())["pod1"]).toBe(
    'the sandbox "trustee", whose Trustee it attests with, does not run',
  );
  expect((await command("status")).stdout).toContain(
    'the Trustee of the sandbox "trustee", which does not run',
  );
});
