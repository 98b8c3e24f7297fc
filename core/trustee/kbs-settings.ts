import TOML from "@iarna/toml";
import { defined, isRecord, own, parseJson } from "../records.ts";
import type { ReferenceValuesFormat } from "./format.ts";

/** Where a KBS reads its reference values, and in which format. */
export interface ValuesFile {
  readonly path: string;
  readonly format: ReferenceValuesFormat;
}

/** The facts in the KBS's configuration (`kbs-config.toml`). */
export interface KbsSettings {
  readonly policyPath?: string;
  readonly referenceValues?: ValuesFile;
  readonly certificatePath?: string;
  /** Whether it serves without TLS. */
  readonly isHttp: boolean;
}

/** The policy's paths if the configuration cannot be read: from KBS v0.19 on, and before. */
export const POLICY_PATHS = [
  "/opt/confidential-containers/storage/kbs/resource-policy.rego",
  "/opt/confidential-containers/opa/policy.rego",
] as const;

/** The same for the reference values. */
export const VALUES_FILES: readonly ValuesFile[] = [
  { path: "/opt/confidential-containers/storage/local_json/reference_value", format: "map" },
  { path: "/opt/confidential-containers/rvps/reference-values/reference-values.json", format: "list" },
];

function parse(text: string): unknown {
  const json = parseJson(text);
  if (json !== undefined) return json;
  try {
    return TOML.parse(text);
  } catch {
    return undefined;
  }
}

/** Parses a KBS's configuration, TOML or JSON; `undefined` if it cannot be read. */
export function readKbsSettings(text: string): KbsSettings | undefined {
  const root = parse(text);
  if (!isRecord(root)) return undefined;
  const at = (...path: readonly string[]): unknown =>
    path.reduce<unknown>((value, name) => (isRecord(value) ? own(value, name) : undefined), root);
  const textAt = (...path: readonly string[]): string | undefined => {
    const value = at(...path);
    return typeof value === "string" && value !== "" ? value : undefined;
  };
  // From KBS v0.19 on there is one storage. Each namespace in it is a folder, or for JSON a file.
  const files = textAt("storage_backend", "backends", "local_fs", "dir_path");
  const documents = textAt("storage_backend", "backends", "local_json", "dir_path");
  const list =
    textAt("attestation_service", "rvps_config", "storage", "file_path") ??
    textAt("attestation_service", "rvps_config", "store_config", "file_path");
  const policyPath = textAt("policy_engine", "policy_path") ?? (files && `${files}/kbs/resource-policy.rego`);
  const certificatePath = textAt("http_server", "certificate");
  const listFile = list === undefined ? undefined : ({ path: list, format: "list" } as const);
  const referenceValues: ValuesFile | undefined =
    documents === undefined ? listFile : { path: `${documents}/reference_value`, format: "map" };
  const isHttp = at("http_server", "insecure_http") === true;
  return defined({ policyPath, referenceValues, certificatePath, isHttp });
}
