import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { askResourcePolicy } from "../../cli/opa/batch.ts";
import { decide } from "../../core/access/model.ts";
import { bindings } from "../../core/initdata/binding.ts";
import { ANY_TEE, type GrantTable } from "../../core/policy/grants.ts";
import { joinPolicy } from "../../core/policy/share.ts";
import { isRecord } from "../../core/records.ts";
import { tokenClaims } from "../../sandbox/trustee/standin/token.ts";
import { toolPath } from "../support/tools.ts";

/** Tokens of the sample TEE from real KBSs, next to the checkout. */
const shared = join(import.meta.dirname, "..", "..", "..", "shared", "data", "real-kbs");

const EVIDENCE = "ear.veraison.annotated-evidence";

let opa = "";
beforeAll(async () => {
  opa = await toolPath("opa");
}, 1_200_000);

const member = (value: unknown, ...path: readonly string[]): unknown =>
  path.reduce<unknown>((at, name) => (isRecord(at) ? at[name] : undefined), value);

/** Replaces the initdata and the client's key, which are empty in the stand-in's tokens. */
const EMPTY = new Set(["init_data_claims", "runtime_data_claims"]);

/** The types of all members of a token. */
function shape(value: unknown): unknown {
  if (!isRecord(value)) return typeof value;
  const members = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return Object.fromEntries(
    members.map(([name, inner]) => [name, EMPTY.has(name) ? typeof inner : shape(inner)]),
  );
}

describe.each(["v0.16", "v0.18", "v0.21"] as const)("a token of the real KBS %s", (version) => {
  const recorded = readFileSync(join(shared, `token-${version}.0.json`), "utf8");
  const token: unknown = JSON.parse(recorded);
  const evidence = member(token, "submods", "cpu0", EVIDENCE);

  test("has the same members and types as the stand-in's", () => {
    const sample = { tee: "sample", initData: String(member(evidence, "init_data")) } as const;
    const ours = tokenClaims(version, sample, { executables: 3, hardware: 2 }, 0);
    expect(shape(ours)).toEqual(shape(token));
    const status = ["submods", "cpu0", "ear.status"];
    const vector = ["submods", "cpu0", "ear.trustworthiness-vector"];
    for (const path of [["eat_profile"], ["ear.verifier-id"], status, vector]) {
      expect(member(ours, ...path)).toEqual(member(token, ...path));
    }
    expect(member(ours, "submods", "cpu0", EVIDENCE, "sample")).toEqual(member(evidence, "sample"));
    expect(Number(member(ours, "exp")) - Number(member(ours, "iat"))).toBe(
      Number(member(token, "exp")) - Number(member(token, "iat")),
    );
  });

  test("opens only the restricted secrets that are granted to the sample TEE", async () => {
    const claim = String(member(evidence, "init_data"));
    const hex = Buffer.from(claim, "base64").toString("hex");
    const readers = (binding: string): GrantTable[string] => ({
      "*": { [binding]: { [claim]: "pod1", [hex]: "pod1" } },
    });
    const all = [...bindings, ANY_TEE];
    const secrets = { ...Object.fromEntries(all.map((binding) => [binding, readers(binding)])), nobody: {} };
    const rules = { others: "affirming", secrets } as const;
    const text = joinPolicy(null, { stack: "o/p/s", ...rules });
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
    expect(await askResourcePolicy({ opa, text, syntax }, requests, true)).toEqual({
      kind: "answered",
      allowed: opened,
    });
  });
});
