import { stripVTControlCharacters } from "node:util";
import { beforeAll, describe, expect, test } from "vitest";
import { generationFacts, generations } from "../../../core/trustee/generation.ts";
import { type Sandbox, startSandbox } from "../../../sandbox/api.ts";
import { FAILED } from "../../../sandbox/trustee/standin/cdh.ts";
import { configMapKey, patchKey, sharedData, trustedCertificate } from "../../e2e/support/cluster.ts";
import { field, patch, read } from "../../e2e/support/objects.ts";
import {
  BUILD_TIMEOUT,
  curl,
  eventually,
  initdata,
  inTrustee,
  kbsPods,
  kubectl,
  ownHome,
  pcr8,
  pod,
  rolled,
} from "./support.ts";

/**
 * The tutorial's policy. For KBS v0.17 and later it has `if`, and does not split the path, which is an array.
 */
function policy(one: string, two: string, path: string): string {
  const read = (digest: string): string =>
    `input["submods"]["cpu0"]["ear.status"] == "affirming"\ninput["submods"]["cpu0"]["ear.veraison.annotated-evidence"]["init_data"] == "${digest}"`;
  return `package policy
import future.keywords.if
default allow = false
path := ${path}
is_p1 if { path[count(path) - 2] == "fraud-dataset" }
is_p2 if { path[count(path) - 2] == "p2-secret" }
allow if { is_p1
${read(one)} }
allow if { is_p2
${read(two)} }
allow if { not is_p1
not is_p2
input["submods"]["cpu0"]["ear.status"] == "affirming" }
`;
}

interface MapEntry {
  readonly value: readonly string[];
}

/** The reference values with our digests added, in both formats. */
function withDigests(text: string, digests: readonly string[]): string {
  const document = JSON.parse(text) as readonly ({ name: string } & MapEntry)[] | Record<string, string>;
  const extend = <Entry extends MapEntry>(name: string, entry: Entry): Entry =>
    ["snp_pcr08", "tdx_pcr08"].includes(name) ? { ...entry, value: [...entry.value, ...digests] } : entry;
  if (Array.isArray(document))
    return JSON.stringify(document.map((entry: { name: string } & MapEntry) => extend(entry.name, entry)));
  const entries = Object.entries(document).map(([name, encoded]) => {
    const entry = JSON.parse(Buffer.from(String(encoded), "base64url").toString("utf8")) as MapEntry;
    const base64 = Buffer.from(JSON.stringify(extend(name, entry))).toString("base64");
    return [name, base64.replaceAll("+", "-").replaceAll("/", "_")];
  });
  return JSON.stringify(Object.fromEntries(entries));
}

describe.each(generations)("the tutorial by hand on Trustee %s", (generation) => {
  const { policyKey, referenceValuesKey, route } = generationFacts[generation];
  const pods = ["pod1", "pod2", "pod3"] as const;
  const tomls = new Map<string, string>();
  let sandbox: Sandbox;

  beforeAll(async () => {
    const cleanUp = await ownHome();
    sandbox = await startSandbox({ name: "tutorial", trustee: generation });
    return cleanUp;
  }, BUILD_TIMEOUT);

  const digests = (): readonly string[] => pods.map((name) => pcr8(tomls.get(name) ?? ""));

  test("finds the results of the earlier steps", async () => {
    const { kbsConfig } = await sharedData(sandbox);
    expect(kbsConfig["kbsSecretResources"]).toEqual(
      expect.arrayContaining(["fraud-dataset", "trustee-image-policy", "kbsres1"]),
    );
    const host = field(await read(sandbox, "Route", route), "spec", "host");
    const certificate = await trustedCertificate(sandbox);
    for (const name of pods) tomls.set(name, initdata(name, host, certificate));
    expect(new Set(digests()).size).toBe(3);
  });

  test("does not start a pod whose digest is not a reference value: it cannot fetch its image policy", async () => {
    await kubectl(sandbox, ["apply", "-f", "-"], pod("pod1", tomls.get("pod1") ?? ""));
    const failed = "involvedObject.name=pod1,reason=Failed";
    const events = ["get", "events", "--field-selector", failed, "-o", "jsonpath={.items[*].message}"];
    await eventually(
      async () => kubectl(sandbox, events),
      (text) => text.includes("kbs:///default/trustee-image-policy/policy cannot be fetched"),
    );
    expect(await kubectl(sandbox, ["get", "pod", "pod1", "-o", "jsonpath={.status.phase}"])).toBe("Pending");
  });

  test("registers a secret, writes policy and reference values, and restarts", async () => {
    const [one = "", two = ""] = digests();
    const secret = "--from-literal=secret=Pod 2 secret!";
    await inTrustee(sandbox, "create secret generic p2-secret", secret);
    const add = '[{"op":"add","path":"/spec/kbsSecretResources/-","value":"p2-secret"}]';
    await rolled(sandbox, async () =>
      inTrustee(sandbox, "patch kbsconfig trusteeconfig-kbs-config --type=json -p", add),
    );
    const path = generation === "0.18" ? 'split(data["resource-path"], "/")' : 'data["resource-path"]';
    const values = await configMapKey(sandbox, "trusteeconfig-rvps-reference-values", referenceValuesKey);
    await rolled(sandbox, async () => {
      await patchKey(sandbox, "trusteeconfig-resource-policy", policyKey, policy(one, two, path));
      const more = withDigests(values, digests());
      await patchKey(sandbox, "trusteeconfig-rvps-reference-values", referenceValuesKey, more);
      if (generation === "0.18") await inTrustee(sandbox, "rollout restart deployment/trustee-deployment");
    });
  });

  test("reads the nine cells", async () => {
    for (const name of pods) await kubectl(sandbox, ["apply", "-f", "-"], pod(name, tomls.get(name) ?? ""));
    const all = pods.map((name) => `pod/${name}`);
    await kubectl(sandbox, ["wait", "--for=condition=Ready", "--timeout=60s", ...all]);
    const seen: Record<string, readonly string[]> = {};
    for (const name of pods) {
      seen[name] = [
        await curl(sandbox, name, "fraud-dataset/dataset_key"),
        await curl(sandbox, name, "p2-secret/secret"),
        await curl(sandbox, name, "kbsres1/key1"),
      ];
    }
    expect(seen).toEqual({
      pod1: ["sandbox dataset decryption key", FAILED, "resval1"],
      pod2: [FAILED, "Pod 2 secret!", "resval1"],
      pod3: [FAILED, FAILED, "resval1"],
    });
  });

  test("finds the denials in the KBS's log", async () => {
    const [name = ""] = await kbsPods(sandbox);
    const log = await inTrustee(sandbox, `logs ${name}`);
    const line = (level: string, module: string, text: string): RegExp => {
      const head =
        generation === "0.18"
          ? String.raw`\[\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ ${level.padEnd(5)} ${module}\]`
          : String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z ${level.padStart(5)} ${module}:`;
      return new RegExp(`^${head} ${text}$`, "m");
    };
    const plain = stripVTControlCharacters(log);
    expect(plain).toMatch(line("ERROR", "kbs::error", "PolicyDeny"));
    expect(plain).toMatch(
      line(
        "INFO",
        "actix_web::middleware::logger",
        String.raw`10\.244\.\d+\.\d+ "GET /kbs/v0/resource/default/p2-secret/secret HTTP/1\.1" 401 110 "-" "attestation-agent-kbs-client/0\.1\.0" \d\.\d{6}`,
      ),
    );
    const tail = await inTrustee(sandbox, `logs ${name} --tail=2`);
    expect(log.endsWith(tail)).toBe(true);
    expect(tail.split("\n")).toHaveLength(2);
  });

  test("denies other commands by the agent policy", async () => {
    const url = "http://127.0.0.1:8006/cdh/resource/default/attestation-status/status";
    const other = await sandbox.kubectl(["exec", "pod1", "--", "curl", "-s", url]);
    expect(other.exitCode).toBe(1);
    expect(other.stderr).toContain("ExecProcessRequest is blocked by policy");
  });

  test("measures a pod when it starts, not when its annotation is edited", async () => {
    const other = pod("pod1", tomls.get("pod3") ?? "");
    const edited = JSON.stringify({ metadata: { annotations: other.metadata.annotations } });
    await kubectl(sandbox, ["patch", "pod", "pod1", "--type=merge", "-p", edited]);
    expect(await curl(sandbox, "pod1", "fraud-dataset/dataset_key")).toBe("sandbox dataset decryption key");
    await kubectl(sandbox, ["delete", "pod", "pod1"]);
    await kubectl(sandbox, ["apply", "-f", "-"], other);
    await kubectl(sandbox, ["wait", "--for=condition=Ready", "--timeout=60s", "pod/pod1"]);
    expect(await curl(sandbox, "pod1", "fraud-dataset/dataset_key")).toBe(FAILED);
  });

  test("serves a changed secret from new KBS pods only, and only to guests that trust their certificate", async () => {
    const change = async (name: string, stringData: object): Promise<void> =>
      patch(sandbox, "Secret", name, { stringData });
    await change("p2-secret", { secret: "changed" });
    expect(await curl(sandbox, "pod2", "p2-secret/secret")).toBe("Pod 2 secret!");
    const restart = async (): Promise<void> =>
      rolled(sandbox, async () => inTrustee(sandbox, "delete pod -l app=kbs"));
    await restart();
    expect(await curl(sandbox, "pod2", "p2-secret/secret")).toBe("changed");
    await change("trusteeconfig-https-cert-secret", { certificate: "another certificate" });
    await restart();
    expect(await curl(sandbox, "pod2", "p2-secret/secret")).toBe(FAILED);
  });
});
