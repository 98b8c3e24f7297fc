import { describe, expect, it } from "vitest";
import { parseKbsLine } from "../../cli/audit/kbs-log.ts";
import { liveAppraisal } from "../../cli/audit/attestation-policy.ts";
import { readPodClaims } from "../../cli/audit/pod-claims.ts";
import {
  digestsInPolicy,
  keysInPolicy,
  pathsInPolicy,
  readGenerated,
  sampleClaimsInPolicy,
} from "../../cli/audit/policy-text.ts";
import { encodeAnnotation } from "../../core/initdata/annotation.ts";
import { inspectInitdata } from "../../core/initdata/verbatim.ts";
import { Issues } from "../../core/issues.ts";
import { commandsIn, wideningsIn } from "../../core/preflight/agent-policy-text.ts";
import { readRules } from "../../core/policy/intact.ts";
import { parseRegistry } from "../../core/policy/registry.ts";
import { regoStatements } from "../../core/rego/rules.ts";
import { inputFields, mayHold, neededRules } from "../../cli/audit/rego-fields.ts";
import { wholeReads } from "../../cli/audit/rego-whole-reads.ts";
import { beyondRegoLimits } from "../../core/rego/limits.ts";
import { readDocument } from "../../core/reference-values/document.ts";
import { certificateBlocks, otherBlocks } from "../../core/pem.ts";
import { readLedgers } from "../../core/reference-values/ledger.ts";
import type { TrusteeFacts } from "../../cli/audit/facts.ts";
import { withAttestationPolicy } from "../cli/audit/support.ts";

/** A Trustee with this attestation policy: its executables are the rules of the text. */
const attestedBy = (text: string): TrusteeFacts =>
  withAttestationPolicy(text.replaceAll("ExecProcessRequest", "executables"));

const MIB = 1024 * 1024;
const filled = (part: string): string => part.repeat(Math.floor(MIB / part.length));
const numbered = (line: (index: number) => string, count: number): string =>
  Array.from({ length: count }, (_, index) => line(index)).join("");
const digest = (index: number): string => `"${index.toString(16).padStart(64, "0")}" `;

/** 1 MiB each: the maximum of a ConfigMap or an annotation's initdata. */
const hostile: readonly (readonly [name: string, text: string])[] = [
  ["one string that is not closed, all escapes", filled('"a\\')],
  ["lines of strings that are not closed", filled('"a\\\n')],
  ["quotes", filled('"')],
  ["an odd number of backticks", `${filled("`")}\``],
  ["many tables that do not end", filled("restricted = {\n")],
  ["the start of a table, many times in one line", filled("restricted = {")],
  ["many damaged lines of a registry", filled("# trustee-access: stack {\n")],
  ["a line of a registry that names many stacks", `# trustee-access: stack ${filled('"stack":"')}`],
  ["brackets that are not closed", filled("[{")],
  ["brackets that are closed", `${"[".repeat(MIB / 2)}${"]".repeat(MIB / 2)}`],
  ["a rule with many bodies", `ExecProcessRequest ${filled("{} ")}`],
  ["a rule with many else", `ExecProcessRequest { a } ${filled("else := a { a } ")}`],
  ["many rules of one name", filled("ExecProcessRequest { a }\n")],
  [
    "rules that depend on each other",
    numbered((index) => `r${index} { r${index + 1} }\nExecProcessRequest { r${index} }\n`, 18_000),
  ],
  [
    "rules for a path of many names",
    numbered(
      (index) => `p${index} := data["resource-path"]\nExecProcessRequest { p${index} == ["a"] }\n`,
      12_000,
    ),
  ],
  ["nested splits", `p := ${filled("split(")}`],
  ["comparisons in one rule", `ExecProcessRequest { ${filled('data["resource-path"] == ["a"]; ')}}`],
  ["nested references", filled("x := input[")],
  ["nested calls", filled("object.get(a, ")],
  ["fields of fields", `allow if input${filled(".a")}`],
  ["objects that are not closed", filled('{"a": ')],
  ["rules that need each other", numbered((n) => `r${n} := r${n + 1} if input.x\n`, 30_000)],
  ["variables of one rule", `allow if { ${numbered((n) => `x${n} := input.x; `, 100_000)}}`],
  ["negations", `ExecProcessRequest { ${filled("not ")}}`],
  ["nested lists of commands", filled("allowed_commands := [")],
  ["digests in one line", numbered(digest, 15_000)],
  ["the digest in many lines", filled(`${digest(1)}\n`)],
  ["one word", filled("a")],
  ["a request for a path that does not end", `a "GET /kbs/v0/${filled("x")}`],
  ["many requests in one line", filled('a "GET /kbs/v0/x ')],
  ["colours that do not end", filled("\u001b[1")],
  ["certificates that do not end", filled("-----BEGIN CERTIFICATE-----\nAAAA")],
  ["starts of blocks", filled("-----BEGIN ")],
  ["slashes", `${filled("/")}a`],
  ["tables of TOML", filled("[a]\n")],
  ["a key of TOML with many parts", `[${filled("a.")}a]`],
  ["many keys of TOML", numbered((index) => `k${index} = 1\n`, 80_000)],
  ["a list of JSON", `[${filled("0,")}0]`],
  ["entries of reference values", `[${filled('{"name":"a","expiration":"x","value":["1"]},')}0]`],
];

const readers: readonly (readonly [name: string, read: (text: string) => unknown])[] = [
  ["digests in a policy", digestsInPolicy],
  ["keys in a policy", keysInPolicy],
  ["paths in a policy", pathsInPolicy],
  ["claims in a policy", sampleClaimsInPolicy],
  [
    "the objects that a policy reads",
    (text) =>
      wholeReads(regoStatements(`package policy\n${text}`), { isObject: () => true, alike: new Map() }),
  ],
  [
    "the fields that a policy reads",
    (text) => inputFields(neededRules(regoStatements(text), "ExecProcessRequest")),
  ],
  [
    "the fields that a policy reads for one secret",
    (text) => inputFields(neededRules(regoStatements(text), "ExecProcessRequest", ["default", "a", "b"])),
  ],
  ["whether a rule may hold", (text) => mayHold(`package policy\n${text}`, "policy", "allow")],
  ["the limits of the engine", beyondRegoLimits],
  ["an attestation policy", (text) => liveAppraisal(attestedBy(text), "snp")],
  ["a policy of this project", readGenerated],
  ["a policy's registry", parseRegistry],
  ["a policy's rules", readRules],
  ["what an agent policy allows", (text) => wideningsIn(text, ["ExecProcessRequest"])],
  ["the commands of an agent policy", commandsIn],
  ["a line of the KBS's log", parseKbsLine],
  ["a pod's annotation", (text) => readPodClaims({ annotation: encodeAnnotation(text) })],
  ["a document of initdata", (text) => inspectInitdata(text, "initdata", new Issues())],
  ["reference values, a list", (text) => readDocument("reference-values.json", text)],
  ["reference values, a map", (text) => readDocument("reference_value", text)],
  ["a ledger", readLedgers],
  ["certificates in PEM", (text) => [certificateBlocks(text), otherBlocks(text)]],
];

/** Processor time in seconds, of all threads including the garbage collector, but not of other programs. */
function cpuSeconds(work: () => void): number {
  const start = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1e6;
}

/** Seconds. Most take a few tenths; quadratic reading takes minutes. */
const LIMIT = 2;

describe.each(readers)("%s, of a hostile text of 1 MiB", (_, read) => {
  it.each(hostile)("reads it in under 2 s: %s", (__, text) => {
    let thrown: unknown;
    const seconds = cpuSeconds(() => {
      try {
        read(text);
      } catch (error) {
        thrown = error;
      }
    });
    expect(thrown).not.toBeInstanceOf(RangeError);
    expect(seconds).toBeLessThan(LIMIT);
  });
});
