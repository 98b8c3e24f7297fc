import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { expect, vi } from "vitest";
import { stopSandbox, type Sandbox } from "../../../sandbox/api.ts";
import { sandboxNames } from "../../../sandbox/state/run-state.ts";
import { api, NAMESPACE } from "../../e2e/support/api.ts";
import type { Manifest } from "../../../sandbox/trustee/manifests/objects.ts";
import { rolledOut } from "../../e2e/support/objects.ts";

export { NAMESPACE };

/** The first start on a machine builds Kubernetes. Milliseconds. */
export const BUILD_TIMEOUT = 1_800_000;

/** Sets a separate TRUSTEE_ACCESS_HOME for this test file. @returns stops its sandboxes and removes it */
export async function ownHome(): Promise<() => Promise<void>> {
  const home = await mkdtemp(join(tmpdir(), "trustee-access-home-"));
  vi.stubEnv("TRUSTEE_ACCESS_HOME", home);
  return async () => {
    for (const name of await sandboxNames()) await stopSandbox(name);
    vi.unstubAllEnvs();
    await rm(home, { recursive: true, force: true });
  };
}

/** Runs kubectl, which must succeed. @returns its output, trimmed */
export async function kubectl(
  sandbox: Sandbox,
  args: readonly string[],
  input?: string | Manifest,
): Promise<string> {
  const text = typeof input === "object" ? JSON.stringify(input) : input;
  const result = await sandbox.kubectl(args, text === undefined ? {} : { input: text });
  if (result.exitCode !== 0) throw new Error(`kubectl ${args.join(" ")}: ${result.stderr}`);
  return result.stdout.trim();
}

/** The same in Trustee's namespace. @param command words that are separated by spaces */
export async function inTrustee(sandbox: Sandbox, command: string, ...more: readonly string[]) {
  return kubectl(sandbox, [...command.split(" "), ...more, "-n", NAMESPACE]);
}

export async function eventually<T>(read: () => Promise<T>, expected: (value: T) => boolean): Promise<T> {
  let value = await read();
  for (const end = Date.now() + 60_000; !expected(value) && Date.now() < end;) {
    await sleep(100);
    value = await read();
  }
  expect(value).toSatisfy(expected);
  return value;
}

/** The names of the KBS's pods, sorted. */
export async function kbsPods(sandbox: Sandbox): Promise<readonly string[]> {
  return (await api(sandbox).list("Pod", NAMESPACE, "app=kbs")).map(({ metadata }) => metadata.name).sort();
}

/** Runs `change`, and waits until new KBS pods serve. */
export async function rolled(sandbox: Sandbox, change: () => Promise<unknown>): Promise<void> {
  const before = await kbsPods(sandbox);
  await change();
  await eventually(
    async () => kbsPods(sandbox),
    (pods) => pods.length === 1 && pods.every((pod) => !before.includes(pod)),
  );
  // After two writes, the operator may roll twice.
  await sleep(1000);
  await rolledOut(sandbox, "Deployment", "trustee-deployment");
}

/** The tutorial's initdata of one pod, with the parts that the sandbox reads. */
export function initdata(pod: string, host: string, certificate: string): string {
  const urls = ["fraud-dataset/dataset_key", "p2-secret/secret", "kbsres1/key1"].map(
    (path) => `"curl -s http://127.0.0.1:8006/cdh/resource/default/${path}",`,
  );
  return `algorithm = "sha256"
version = "0.1.0"
pod_name = "${pod}"
[data]
"cdh.toml" = '''
socket = 'unix:///run/confidential-containers/cdh.sock'
credentials = []
[kbc]
name = "cc_kbc"
url = "https://${host}"
kbs_cert = """
${certificate}
"""
[image]
image_security_policy_uri = 'kbs:///default/trustee-image-policy/policy'
'''
"policy.rego" = '''
package agent_policy
import future.keywords.in
import future.keywords.if
default ReadStreamRequest := true
default ExecProcessRequest := false
ExecProcessRequest if {
input_command = concat(" ", input.process.Args)
some allowed_command in policy_data.allowed_commands
input_command == allowed_command
}
policy_data := {
"allowed_commands": [
${urls.join("\n")}
]
}
'''
`;
}

export function pcr8(toml: string): string {
  const digest = createHash("sha256").update(toml).digest();
  return createHash("sha256").update(Buffer.alloc(32)).update(digest).digest("hex");
}

export function pod(name: string, toml: string): Manifest & { readonly spec: object } {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      namespace: "default",
      annotations: {
        "io.katacontainers.config.hypervisor.machine_type": "Standard_DC2as_v5",
        "io.katacontainers.config.hypervisor.cc_init_data": gzipSync(toml).toString("base64"),
      },
    },
    spec: {
      runtimeClassName: "kata-remote",
      containers: [{ name: "fraud-detection", image: "fraud-detection:latest" }],
    },
  };
}

/** Runs one of the tutorial's nine exec commands. @returns the output of curl */
export async function curl(sandbox: Sandbox, name: string, path: string): Promise<string> {
  const url = `http://127.0.0.1:8006/cdh/resource/default/${path}`;
  return kubectl(sandbox, ["exec", `pods/${name}`, "-n", "default", "--", "curl", "-s", url]);
}
