import { kbsPaths } from "../../../sandbox/trustee/standin/kbs.ts";
import type { Generation } from "../../../core/trustee/generation.ts";
import { base64url, type Entry, entry, sampleValues, valuesText } from "./inputs.ts";
import type { Stage } from "./stage.ts";

export interface Scenario {
  /** Changes the KBS's files before the start. */
  readonly change?: (files: Map<string, Buffer>, generation: Generation) => void;
  /** The pods that request secrets. The log is that of the first. @default pod1 and pod3 */
  readonly pods?: readonly ("pod1" | "pod3")[];
  /** False if the log was not recorded. */
  readonly log?: boolean;
  /** Actions after the pods' requests. @returns the recorded lines */
  readonly then?: (stage: Stage) => readonly string[] | Promise<readonly string[]>;
}

const [launchDigest, svn, ...versions] = sampleValues as readonly [Entry, Entry, ...Entry[]];

type Change = NonNullable<Scenario["change"]>;

function values(write: (generation: Generation) => string): Change {
  return (files, generation) => {
    files.set(kbsPaths[generation].referenceValues, Buffer.from(write(generation)));
  };
}

/** Replaces the entry that the attestation policy reads first. */
function asked(...entries: readonly Entry[]): Scenario {
  return { change: values((generation) => valuesText(generation, [...entries, svn, ...versions])) };
}

/** Adds an entry after those that the attestation policy reads. */
function beside(other: Entry): Scenario {
  return { change: values((generation) => valuesText(generation, [...sampleValues, other])) };
}

/** Replaces members of the map, each as text. */
const mapWith = (members: Readonly<Record<string, unknown>>): Scenario => ({
  change: values((generation) => {
    const map = JSON.parse(valuesText(generation, sampleValues)) as object;
    return JSON.stringify({ ...map, ...members }, null, 2);
  }),
});

const text = (...lines: readonly string[]): Buffer => Buffer.from(lines.map((line) => `${line}\n`).join(""));

function policy(...lines: readonly string[]): Scenario {
  return { change: (files, generation) => void files.set(kbsPaths[generation].policy, text(...lines)) };
}

function without(name: "policy" | "referenceValues"): Scenario {
  return { change: (files, generation) => void files.delete(kbsPaths[generation][name]) };
}

const { expiration: _, ...unlimited } = launchDigest;
const other = entry("other", ["x"]);
const { expiration: __, ...unlimitedOther } = other;
const expired = { expiration: "2020-01-01T00:00:00Z" };
const wrong = { ...launchDigest, value: ["edcba"] };

export const scenarios: Readonly<Record<string, Scenario>> = {
  "as the product wrote it; every reference value asked of the RVPS": {
    then: (stage) =>
      stage.referenceValues("snp_pcr03", "snp_pcr08", "tdx_pcr08", "launch_digest", "major_version"),
  },
  "no reference values for the sample platform": {
    change: values((generation) => valuesText(generation, [])),
  },
  "an expired entry: launch_digest, svn, 2020": {
    change: values((generation) => {
      const entries = [{ ...launchDigest, ...expired }, { ...svn, ...expired }, ...versions];
      return valuesText(generation, entries, ["aa"]);
    }),
    then: (stage) => stage.referenceValues("launch_digest", "snp_pcr08"),
  },
  "no reference values at all (fresh)": {
    change: values((generation) => (generation === "0.18" ? "[\n]\n" : "{\n}\n")),
  },
  "the reference values are no JSON": { change: values(() => "{not json") },
  "the reference values are blank": { change: values(() => "") },
  "the reference values are of the other generation": {
    change: values((generation) => (generation === "0.18" ? "{}" : "[]")),
  },
  "asked entry: no expiration": asked(unlimited),
  "asked entry: an expiration that is no time": asked({ ...launchDigest, expiration: "soon" }),
  "asked entry: an expiration with fractions and offset": asked({
    ...launchDigest,
    expiration: "2035-01-01T00:00:00.0+00:00",
  }),
  "another entry, never asked: no expiration": beside(unlimitedOther),
  "asked entry: no version, unknown fields": asked({ ...launchDigest, version: undefined, unknown: 1 }),
  "asked entry: a lone string for a list": asked({ ...launchDigest, value: "abcde" }),
  "asked entry: a lone string that contains it": asked({ ...launchDigest, value: "xabcdex" }),
  "asked entry: upper case": asked({ ...launchDigest, value: ["ABCDE"] }),
  "asked entry: base64url without padding": mapWith({
    // An additional member makes padding necessary, and the padding is missing.
    launch_digest: base64url({ ...launchDigest, n: 12 }).replace(/=+$/, ""),
  }),
  "asked entry: the standard alphabet": mapWith({
    // The "?" results in a "/" at the recorded offset.
    launch_digest: Buffer.from(JSON.stringify({ version: "0.1.0", ...launchDigest, n: "?" })).toString(
      "base64",
    ),
  }),
  "asked entry: its inner name differs": mapWith({
    launch_digest: base64url({ ...launchDigest, name: "another" }),
  }),
  "another entry is no string": mapWith({ other: ["x"] }),
  "another entry is no base64": mapWith({ other: "%%%" }),
  "an entry twice: the second is right": {
    change: (files, generation) => {
      const { change } = generation === "0.18" ? asked(wrong, launchDigest) : asked(launchDigest);
      change?.(files, generation);
      if (generation === "0.18") return;
      const { referenceValues } = kbsPaths[generation];
      const map = files.get(referenceValues)?.toString("utf8") ?? "";
      files.set(referenceValues, Buffer.from(map.replace("{", `{"launch_digest": "${base64url(wrong)}",`)));
    },
  },
  "an entry twice: the first is right": asked(launchDigest, wrong),
  "an entry twice: the first has expired": asked({ ...wrong, ...expired }, launchDigest),
  "the file of reference values is missing": without("referenceValues"),
  "the policy does not parse": policy("package policy", "allow if {"),
  "the tutorial's syntax: v0, without if": policy(
    "package policy",
    "",
    "allow {",
    '  input["submods"]["cpu0"]["ear.status"] == "affirming"',
    "}",
  ),
  "a policy whose builtin gets another type": policy(
    "package policy",
    "import future.keywords.if",
    "default allow = false",
    "allow if {",
    '  split(data["resource-path"], "/")[0] == "x"',
    "}",
  ),
  "a policy without allow": policy("package policy", "other := true"),
  "allow is no boolean": policy("package policy", 'allow := "yes"'),
  "allow is undefined": policy("package policy", "import future.keywords.if", "allow if { false }"),
  "an empty policy": { change: (files, generation) => void files.set(kbsPaths[generation].policy, text()) },
  "another package": policy("package other", "allow := true"),
  "the policy file is missing": without("policy"),
  "a folder in the policy file's place (a subPath whose key is not there)": {
    change: (files, generation) => {
      const { policy: file } = kbsPaths[generation];
      files.delete(file);
      files.set(`${file}/`, Buffer.alloc(0));
    },
  },
  "the policy is edited in place while it runs": { pods: ["pod3"], then: async (stage) => stage.edit() },
  "a missing resource, at info": {
    pods: ["pod3"],
    then: async (stage) => stage.ask("kbsres1/nokey", "nosecret/x", "fraud-dataset/nokey"),
  },
  "RUST_LOG=debug": { pods: ["pod3"], log: false },
};
