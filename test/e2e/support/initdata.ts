import { readFileSync } from "node:fs";
import { parse } from "smol-toml";

/** An initdata document with the documents in it read in turn, and its agent policy by what it says. */
export interface Initdata {
  readonly head: unknown;
  readonly aa: unknown;
  readonly cdh: unknown;
  /** Whether nothing but these three is in `data`. */
  readonly documents: readonly string[];
  /** The policy's lines `default ... := ...`, in their order. */
  readonly defaults: readonly string[];
  /** What the policy ends with. */
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

/** What a running pod's initdata says; `policyData` is strict JSON to its end. @throws Error where it is not */
export function runningInitdata(
  toml: string,
): Omit<Initdata, "policyData"> & { readonly policyData: unknown } {
  const read = readInitdata(toml);
  return { ...read, policyData: JSON.parse(read.policyData) as unknown };
}

/**
 * What the tutorial's initdata of a pod says, from the tutorial's own text in test/fixtures, with what its shell puts in:
 * pod, $TRUSTEE_HOST and $TRUSTEE_CERT.
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
  // The comma after the last command is the tutorial's; JSON has none there.
  return { ...read, policyData: JSON.parse(read.policyData.replace(/,(\s*\])/, "$1")) as unknown };
}
