import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { decide } from "../../core/access/model.ts";
import { measure } from "../../sandbox/trustee/standin/measurement.ts";
import { tokenClaims } from "../../sandbox/trustee/standin/token.ts";
import { mountFiles } from "../../sandbox/trustee/standin/mounts.ts";
import { referenceValue } from "../../sandbox/trustee/standin/reference-values.ts";

const INITDATA = "io.katacontainers.config.hypervisor.cc_init_data";
const MACHINE_TYPE = "io.katacontainers.config.hypervisor.machine_type";

function annotation(toml: string): string {
  return gzipSync(toml).toString("base64");
}

const minimal = 'algorithm = "sha256"\nversion = "0.1.0"\n';

describe("the measurement of a pod", () => {
  test("extends zeros by the sha256 of the exact bytes of the initdata", () => {
    const digest = createHash("sha256").update(minimal).digest("hex");
    const pcr8 = createHash("sha256")
      .update(Buffer.from(`${"00".repeat(32)}${digest}`, "hex"))
      .digest("hex");
    expect(measure({ [INITDATA]: annotation(minimal) })).toEqual({
      tee: "snp",
      pcr8,
      agentPolicy: undefined,
      kbs: undefined,
      imagePolicy: undefined,
    });
    expect(measure({ [INITDATA]: annotation(`${minimal}\n`) }).pcr8).not.toBe(pcr8);
  });

  test("has what the guest reads from its initdata", () => {
    const toml = `${minimal}[data]
"policy.rego" = "package agent_policy"
"cdh.toml" = '''
[kbc]
url = "https://kbs.example"
kbs_cert = "PEM"
[image]
image_security_policy_uri = "kbs:///default/trustee-image-policy/policy"
'''
`;
    expect(measure({ [INITDATA]: annotation(toml), [MACHINE_TYPE]: "Standard_DC2as_v5" })).toMatchObject({
      tee: "snp",
      agentPolicy: "package agent_policy",
      kbs: { url: "https://kbs.example", certificate: "PEM" },
      imagePolicy: "kbs:///default/trustee-image-policy/policy",
    });
  });

  test("is that of a TDX machine where the machine type is one", () => {
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
  ])("fails where the initdata is %s", (_, value) => {
    expect(() => measure({ [INITDATA]: value })).toThrow();
  });
});

describe("a token", () => {
  const versions = ["v0.16", "v0.18", "v0.21"] as const;

  test.each(versions)("of KBS %s says by which TEE it was attested, as real ones do", (version) => {
    const evidence = (tee: "snp" | "tdx", affirming: boolean): unknown => {
      const claims = tokenClaims(version, { tee, pcr8: "ab" }, affirming, 1);
      const { cpu0 } = claims["submods"] as { cpu0: Record<string, unknown> };
      return [cpu0["ear.status"], cpu0["ear.veraison.annotated-evidence"]];
    };
    const common = { init_data: "ab", init_data_claims: {}, report_data: "", runtime_data_claims: {} };
    expect(evidence("snp", true)).toEqual([
      "affirming",
      { ...common, "az-snp-vtpm": { tpm: { pcr08: "ab" } } },
    ]);
    expect(evidence("tdx", false)).toEqual([
      "contraindicated",
      { ...common, "az-tdx-vtpm": { tpm: { pcr08: "ab" } } },
    ]);
  });

  test.each(versions)("of KBS %s is taken for what the policy knows it by", (version) => {
    const claim = "ab".repeat(32);
    const rules = { others: "deny", secrets: { s: { k: { "azure-vtpm": { [claim]: "pod" } } } } } as const;
    const data = { "resource-path": ["default", "s", "k"], plugin: "resource" };
    const why = (tee: "snp" | "tdx", pcr8: string): string =>
      decide(rules, data, tokenClaims(version, { tee, pcr8 }, true, 1)).why;
    expect([why("snp", claim), why("tdx", claim), why("snp", "cd")]).toEqual([
      "granted",
      "granted",
      "not-a-reader",
    ]);
  });
});

describe("reference values", () => {
  const live = { name: "snp_pcr08", expiration: "2035-01-01T00:00:00Z", value: ["aa", "bb"] };
  const expired = { ...live, expiration: "2020-01-01T00:00:00Z" };
  const encode = (entry: object): string =>
    Buffer.from(JSON.stringify({ version: "0.1.0", ...entry }))
      .toString("base64")
      .replaceAll("+", "-")
      .replaceAll("/", "_");

  test("of either format are found by name, expired or not", () => {
    expect(referenceValue("0.18", JSON.stringify([live]), "snp_pcr08")).toEqual(["aa", "bb"]);
    expect(referenceValue("0.18", JSON.stringify([expired]), "snp_pcr08")).toEqual(["aa", "bb"]);
    expect(referenceValue("0.18", "[\n]\n", "snp_pcr08")).toEqual([]);
    expect(referenceValue("0.21", JSON.stringify({ snp_pcr08: encode(live) }), "snp_pcr08")).toEqual([
      "aa",
      "bb",
    ]);
    expect(referenceValue("0.21", JSON.stringify({ snp_pcr08: encode(expired) }), "snp_pcr08")).toEqual([
      "aa",
      "bb",
    ]);
    expect(referenceValue("0.21", "{\n}\n", "snp_pcr08")).toEqual([]);
  });

  test.each(["aa", 1, true, null, { aa: 1 }])("with the value %j have no digest in them", (value) => {
    const list = JSON.stringify([{ ...live, value }]);
    expect(referenceValue("0.18", list, "snp_pcr08")).toEqual([]);
    expect(
      referenceValue("0.21", JSON.stringify({ snp_pcr08: encode({ ...live, value }) }), "snp_pcr08"),
    ).toEqual([]);
  });

  test("of one name: the first counts in the list, also if it has expired, and the last in the map", () => {
    const other = { ...live, value: ["cc"] };
    expect(referenceValue("0.18", JSON.stringify([expired, other]), "snp_pcr08")).toEqual(["aa", "bb"]);
    const map = `{"snp_pcr08":"${encode(live)}","snp_pcr08":"${encode(other)}"}`;
    expect(referenceValue("0.21", map, "snp_pcr08")).toEqual(["cc"]);
  });

  test.each([
    ["no expiration", { expiration: undefined }],
    ["a word", { expiration: "soon" }],
    ["fractions", { expiration: "2030-01-01T00:00:00.000Z" }],
    ["a day that is none", { expiration: "2030-02-30T00:00:00Z" }],
    ["no value", { value: undefined }],
  ])("with %s fail", (_, more) => {
    const odd = { ...live, ...more };
    expect(() => referenceValue("0.18", JSON.stringify([odd]), "snp_pcr08")).toThrow();
    expect(() => referenceValue("0.21", JSON.stringify({ snp_pcr08: encode(odd) }), "snp_pcr08")).toThrow();
  });

  test("of the list format fail all for one malformed entry, of the map format only itself", () => {
    const malformed = { name: "other", expiration: "2035-01-01", value: [] };
    expect(() => referenceValue("0.18", JSON.stringify([live, malformed]), "snp_pcr08")).toThrow();
    const map = JSON.stringify({ snp_pcr08: encode(live), other: encode(malformed) });
    expect(referenceValue("0.21", map, "snp_pcr08")).toEqual(["aa", "bb"]);
    expect(() => referenceValue("0.21", map, "other")).toThrow();
  });

  test("of the map format have to be padded base64url", () => {
    const unpadded = Buffer.from(JSON.stringify({ ...live, name: "pad" })).toString("base64url");
    expect(unpadded.length % 4).not.toBe(0);
    expect(() => referenceValue("0.21", JSON.stringify({ snp_pcr08: unpadded }), "snp_pcr08")).toThrow(
      /padded/,
    );
  });

  test("of the other generation's format fail", () => {
    expect(() => referenceValue("0.18", "{}", "snp_pcr08")).toThrow();
    expect(() => referenceValue("0.21", "[]", "snp_pcr08")).toThrow();
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

  test("show a volume as a folder, and one key of it as a file", () => {
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
