import { readFileSync } from "node:fs";
import { parse } from "smol-toml";

/** A parsed initdata document: the documents in it are parsed too, and its agent policy is split. */
export interface Initdata {
  readonly head: unknown;
  readonly aa: unknown;
  readonly cdh: unknown;
  /** The names of the documents in `data`, sorted. */
  readonly documents: readonly string[];
  /** The policy's lines `default ... := ...`, in order. */
  readonly defaults: readonly string[];
  /** The policy's text after `policy_data := `. */
  readonly policyData: string;
}

function readInitdata(toml: string): Initdata {
  const { data, ...head } = parse(toml);
  const documents = data as Readonly<Record<string, string>>;
  const [rules = "", policyData = ""] = (documents["policy.rego"] ?? "").split("policy_data := ");
  return {
    head,
    aa: parse(documents["aa.toml"] ?? ""),
    cdh: parse(documents["cdh.toml"] ?? ""),
    documents: Object.keys(documents).sort(),
    defaults: rules.split("\n").filter((line) => line.startsWith("default ")),
    policyData,
  };
}

/**
 * Parses a running pod's initdata; `policyData` must be strict JSON.
 * @throws Error if it is not
 */
export function runningInitdata(
  toml: string,
): Omit<Initdata, "policyData"> & { readonly policyData: unknown } {
  const read = readInitdata(toml);
  return { ...read, policyData: JSON.parse(read.policyData) as unknown };
}

/**
 * Parses the tutorial's initdata of a pod: its text in test/fixtures, with pod, $TRUSTEE_HOST and
 * $TRUSTEE_CERT filled in.
 */
export function tutorialInitdata(
  pod: string,
  host: string,
  certificate: string,
): ReturnType<typeof runningInitdata> {
  const text = readFileSync("test/fixtures/tutorial-initdata-pod1.toml", "utf8")
    .replace('pod_name = "pod1"', `pod_name = "${pod}"`)
    .replaceAll("https://kbs.example.com", host)
    .replaceAll(/-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----/g, certificate.trim());
  const read = readInitdata(text);
  // The tutorial has a comma after the last command, which JSON does not allow.
  return { ...read, policyData: JSON.parse(read.policyData.replace(/,(\s*\])/, "$1")) as unknown };
}
