import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { askResourcePolicy } from "../../cli/rego/batch.ts";
import { decide } from "../../core/access/model.ts";
import { bindings } from "../../core/initdata/binding.ts";
import { ANY_TEE, type GrantTable } from "../../core/policy/grants.ts";
import { joinPolicy } from "../../core/policy/share.ts";
import { isRecord } from "../../core/records.ts";
import { tokenClaims } from "../../sandbox/trustee/standin/token.ts";
import { toolPath } from "../support/tools.ts";

/** Tokens of the sample TEE that real KBSs gave out, beside the checkout. */
const shared = join(import.meta.dirname, "..", "..", "..", "shared", "data", "real-kbs");

const EVIDENCE = "ear.veraison.annotated-evidence";

let opa = "";
let folder = "";
beforeAll(async () => {
  opa = await toolPath("opa");
  folder = mkdtempSync(join(tmpdir(), "trustee-access-tokens-"));
}, 1_200_000);
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function member(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>((at, name) => (isRecord(at) ? at[name] : undefined), value);
}

function keysOf(value: unknown): readonly string[] {
  return isRecord(value) ? Object.keys(value).sort() : [];
}

describe.each(["v0.16", "v0.18", "v0.21"] as const)("a token of the real KBS %s", (version) => {
  const text = readFileSync(join(shared, `token-${version}.0.json`), "utf8");
  const token: unknown = JSON.parse(text);
  const evidence = member(token, "submods", "cpu0", EVIDENCE);

  test("has the members that the stand-in's has, but for the TEE", () => {
    const ours = tokenClaims(version, { tee: "snp", pcr8: "" }, true, 0);
    const our = (...path: readonly string[]): readonly string[] => keysOf(member(ours, ...path));
    const their = (...path: readonly string[]): readonly string[] => keysOf(member(token, ...path));
    for (const path of [[], ["submods"], ["submods", "cpu0"], ["ear.verifier-id"]]) {
      expect(our(...path)).toEqual(their(...path));
    }
    const vector = ["submods", "cpu0", "ear.trustworthiness-vector"];
    expect(our(...vector)).toEqual(their(...vector));
    expect(our("submods", "cpu0", EVIDENCE)).toEqual(
      keysOf(evidence)
        .map((name) => (name === "sample" ? "az-snp-vtpm" : name))
        .sort(),
    );
  });

  test("opens what is granted to the sample TEE, and nothing else that is restricted", async () => {
    const claim = String(member(evidence, "init_data"));
    const hex = Buffer.from(claim, "base64").toString("hex");
    const readers = (binding: string): GrantTable[string] => ({
      "*": { [binding]: { [claim]: "pod1", [hex]: "pod1" } },
    });
    const all = [...bindings, ANY_TEE];
    const secrets = {
      ...Object.fromEntries(all.map((binding) => [binding, readers(binding)])),
      nobody: {},
    };
    const rules = { others: "affirming", secrets } as const;
    const file = join(folder, `${version}.rego`);
    writeFileSync(file, joinPolicy(null, { stack: "o/p/s", ...rules }));
    const asked = [...all, "nobody", "unrestricted"];
    const requests = asked.map((secret) => ({
      data:
        version === "v0.16"
          ? { "resource-path": `resource/default/${secret}/key` }
          : { "resource-path": ["default", secret, "key"], plugin: "resource" },
      token,
    }));
    const opened = asked.map((secret) => secret === "sample" || secret === "unrestricted");
    expect(requests.map(({ data }) => decide(rules, data, token).allowed)).toEqual(opened);
    const syntax = version === "v0.16" ? "v0" : "v1";
    expect(await askResourcePolicy({ opa, file, syntax }, requests, true)).toEqual({
      kind: "answered",
      allowed: opened,
    });
  });
});
