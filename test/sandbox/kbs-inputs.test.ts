import { hash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { decide } from "../../core/access/model.ts";
import { measure } from "../../sandbox/trustee/standin/measurement.ts";
import { tokenClaims } from "../../sandbox/trustee/standin/token.ts";
import { mountFiles } from "../../sandbox/trustee/standin/mounts.ts";
import { referenceValue } from "../../sandbox/trustee/standin/reference-values.ts";
import { paddedBase64url } from "../support/base64url.ts";

const INITDATA = "io.katacontainers.config.hypervisor.cc_init_data";
const MACHINE_TYPE = "io.katacontainers.config.hypervisor.machine_type";

const annotation = (toml: string): string => gzipSync(toml).toString("base64");

const minimal = 'algorithm = "sha256"\nversion = "0.1.0"\n';

describe("the measurement of a pod", () => {
  test("extends zeros by the sha256 of the exact bytes of the initdata", () => {
    const digest = hash("sha256", minimal);
    const pcr8 = hash("sha256", Buffer.from(`${"00".repeat(32)}${digest}`, "hex"));
    expect(measure({ [INITDATA]: annotation(minimal) })).toEqual({
      tee: "snp",
      pcr8,
      agentPolicy: undefined,
      kbs: undefined,
      needs: [],
    });
    expect(measure({ [INITDATA]: annotation(`${minimal}\n`) }).pcr8).not.toBe(pcr8);
  });

  test("includes the data that the guest reads from its initdata", () => {
    const toml = `${minimal}[data]
"policy.rego" = "package agent_policy"
"cdh.toml" = '''
[kbc]
url = "https://kbs.example"
kbs_cert = "PEM"
[[credentials]]
resource_uri = "kbs:///default/kms-cred/client"
path = "/run/confidential-containers/cdh/kbs/client.json"
[image]
image_security_policy_uri = "kbs:///default/trustee-image-policy/policy"
authenticated_registry_credentials_uri = "kbs:///default/regcred/dockerconfigjson"
registry_configuration_uri = "file:///etc/registry.toml"
sigstore_config_uri = "/etc/sigstore.yaml"
'''
`;
    expect(measure({ [INITDATA]: annotation(toml), [MACHINE_TYPE]: "Standard_DC2as_v5" })).toMatchObject({
      tee: "snp",
      agentPolicy: "package agent_policy",
      kbs: { url: "https://kbs.example", certificate: "PEM" },
      needs: [
        "kbs:///default/kms-cred/client",
        "kbs:///default/regcred/dockerconfigjson",
        "kbs:///default/trustee-image-policy/policy",
      ],
    });
  });

  test("is that of TDX for a TDX machine type", () => {
    expect(measure({ [MACHINE_TYPE]: "Standard_DC2es_v5" }).tee).toBe("tdx");
    expect(measure({ [MACHINE_TYPE]: "Standard_EC4eds_v5" }).tee).toBe("tdx");
  });

  test("is all zeros without initdata", () => {
    expect(measure({}).pcr8).toBe("0".repeat(64));
  });

  test.each([
    ["no gzip", Buffer.from(minimal).toString("base64")],
    ["no TOML", annotation("algorithm = ")],
    ["no algorithm", annotation('version = "0.1.0"\n')],
    ["another version", annotation('algorithm = "sha256"\nversion = "0.2.0"\n')],
  ])("fails if the initdata is %s", (_, value) => {
    expect(() => measure({ [INITDATA]: value })).toThrow();
  });
});

describe("a token", () => {
  const versions = ["v0.16", "v0.18", "v0.21"] as const;

  test.each(versions)("names its TEE like a real one of KBS %s", (version) => {
    const evidence = (tee: "snp" | "tdx", executables: 3 | 33): unknown => {
      const claims = tokenClaims(version, { tee, pcr8: "ab" }, { executables, hardware: 2 }, 1);
      const { cpu0 } = claims["submods"] as { cpu0: Record<string, unknown> };
      return [cpu0["ear.status"], cpu0["ear.veraison.annotated-evidence"]];
    };
    const common = { init_data: "ab", init_data_claims: {}, report_data: "", runtime_data_claims: {} };
    expect(evidence("snp", 3)).toEqual(["affirming", { ...common, "az-snp-vtpm": { tpm: { pcr08: "ab" } } }]);
    expect(evidence("tdx", 33)).toEqual(["warning", { ...common, "az-tdx-vtpm": { tpm: { pcr08: "ab" } } }]);
  });

  test.each(versions)("has the binding that the policy uses, with KBS %s", (version) => {
    const claim = "ab".repeat(32);
    const rules = { others: "deny", secrets: { s: { k: { "azure-vtpm": { [claim]: "pod" } } } } } as const;
    const data = { "resource-path": ["default", "s", "k"], plugin: "resource" };
    const why = (tee: "snp" | "tdx", pcr8: string): string =>
      decide(rules, data, tokenClaims(version, { tee, pcr8 }, { executables: 3, hardware: 2 }, 1)).why;
    expect([why("snp", claim), why("tdx", claim), why("snp", "cd")]).toEqual([
      "granted",
      "granted",
      "not-a-reader",
    ]);
  });
});

describe("reference values", () => {
  const live = { name: "snp_pcr08", expiration: "2035-01-01T00:00:00Z", value: ["aa", "bb"] };
  const expired = { ...live, expiration: "2019-12-31T23:59:59Z", value: ["cc"] };
  const encode = (entry: object): string => paddedBase64url(JSON.stringify({ version: "0.1.0", ...entry }));
  const inList = (...entries: readonly object[]): unknown =>
    referenceValue("0.18", JSON.stringify(entries), "snp_pcr08");
  const inMap = (entry: string): unknown =>
    referenceValue("0.21", JSON.stringify({ snp_pcr08: entry }), "snp_pcr08");

  test("are found by name in both formats, even if expired", () => {
    expect([inList(live), inList(expired), inMap(encode(live)), inMap(encode(expired))]).toEqual([
      ["aa", "bb"],
      ["cc"],
      ["aa", "bb"],
      ["cc"],
    ]);
    expect([inList({ ...live, value: "aa" }), inMap(encode({ ...live, value: true }))]).toEqual(["aa", true]);
    expect([inList(), referenceValue("0.21", "{\n}\n", "snp_pcr08")]).toEqual([undefined, undefined]);
  });

  test("count once per name: the first in the list, the last in the map", () => {
    expect([inList(live, expired), inList(expired, live)]).toEqual([["aa", "bb"], ["cc"]]);
    const twice = `{"snp_pcr08":"${encode(live)}","snp_pcr08":"${encode(expired)}"}`;
    expect(referenceValue("0.21", twice, "snp_pcr08")).toEqual(["cc"]);
  });

  test("fail with a malformed entry: all in the list format, only the entry in the map format", () => {
    const malformed = { name: "other", expiration: "2035-01-01", value: [] };
    expect(() => inList(live, malformed)).toThrow("input contains invalid characters at line 1 column");
    const map = JSON.stringify({ snp_pcr08: encode(live), other: encode(malformed) });
    expect(referenceValue("0.21", map, "snp_pcr08")).toEqual(["aa", "bb"]);
    expect(() => referenceValue("0.21", map, "other")).toThrow(/^deserialize reference value$/);
  });

  test.each(["2035-13-01T00:00:00Z", "2035-01-01T00:00:00+00:00", "2035-01-01 00:00:00", "", 5, null])(
    "fail with %j as the expiration",
    (expiration) => {
      expect(() => inList({ ...live, expiration })).toThrow();
      expect(() => inMap(encode({ ...live, expiration }))).toThrow();
    },
  );

  test("must be padded base64url in the map format", () => {
    const unpadded = Buffer.from(JSON.stringify({ ...live, name: "pad" })).toString("base64url");
    expect(unpadded.length % 4).not.toBe(0);
    expect(() => inMap(unpadded)).toThrow("Invalid padding");
    expect(() => inMap("a+b=")).toThrow("Invalid symbol 43, offset 1.");
    expect(() => inMap("a=bc")).toThrow("Invalid symbol 61, offset 1.");
  });

  test("fail in the other generation's format", () => {
    expect(() => referenceValue("0.18", "{}", "snp_pcr08")).toThrow("expected a sequence");
    expect(() => referenceValue("0.21", "[]", "snp_pcr08")).toThrow("expected a map");
  });
});

describe("mounts", () => {
  const content = (entries: Record<string, string>): Map<string, Buffer> =>
    new Map(Object.entries(entries).map(([key, value]) => [key, Buffer.from(value)]));
  const sources = {
    configMap: (name: string) =>
      name === "policy" ? content({ "policy.rego": "text", other: "x" }) : undefined,
    secret: (name: string) => (name === "secret" ? content({ key: "value" }) : undefined),
  };
  const spec = (volumes: object[], volumeMounts: object[]): object => ({
    containers: [{ volumeMounts }],
    volumes,
  });

  test("mount a volume as a folder, and a subPath as a file", () => {
    const result = mountFiles(
      spec(
        [
          { name: "p", configMap: { name: "policy" } },
          { name: "s", secret: { secretName: "secret" } },
          { name: "e", emptyDir: {} },
        ],
        [
          { name: "p", mountPath: "/opa" },
          { name: "p", mountPath: "/file.rego", subPath: "policy.rego" },
          { name: "s", mountPath: "/secrets/secret" },
          { name: "e", mountPath: "/empty" },
        ],
      ),
      sources,
    );
    if ("problem" in result) throw new Error(result.problem);
    expect(Object.fromEntries([...result.files].map(([path, bytes]) => [path, bytes.toString()]))).toEqual({
      "/opa/policy.rego": "text",
      "/opa/other": "x",
      "/file.rego": "text",
      "/secrets/secret/key": "value",
    });
  });

  test.each([
    [{ name: "v", secret: { secretName: "gone" } }, undefined, /secret "gone" not found/],
    [{ name: "v", configMap: { name: "gone" } }, undefined, /configmap "gone" not found/],
    [
      { name: "v", configMap: { name: "policy" } },
      "resource-policy.rego",
      /key "resource-policy.rego", which is not there/,
    ],
  ])("keep a pod from starting: %j", (volume, subPath, problem) => {
    const mount = { name: "v", mountPath: "/x", ...(subPath === undefined ? {} : { subPath }) };
    expect(mountFiles(spec([volume], [mount]), sources)).toEqual({
      problem: expect.stringMatching(problem) as string,
    });
  });
});
