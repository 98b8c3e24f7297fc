import TOML from "@iarna/toml";
import type { DigestAlgorithm } from "../digest.ts";
import { byName } from "../records.ts";
import { renderAgentPolicy, type AgentPolicy } from "./agent-policy.ts";

/**
 * The only version of the initdata document.
 * @see https://github.com/confidential-containers/trustee/blob/main/kbs/docs/initdata.md
 */
export const INITDATA_VERSION = "0.1.0";

/** The content of an initdata document. */
export interface InitdataSource {
  /** The digest that binds the document. */
  readonly algorithm: DigestAlgorithm;
  /** More top-level strings, for example `pod_name`. They make pods' initdata differ. */
  readonly claims: Readonly<Record<string, string>>;
  /** The KBS's URL for guests, for example `https://kbs-service-trustee-operator-system.apps.example.com`. */
  readonly url: string;
  /** The KBS's certificate, PEM. Absent: the guest's own trust store. */
  readonly certificate?: string;
  /** `kbs:///default/<secret>/<key>` of the image security policy. Absent: none is requested. */
  readonly imagePolicyUri?: string;
  readonly agentPolicy: AgentPolicy;
}

/** A certificate as in the documents: no blank lines around it, one newline at the end. */
function pem(certificate: string): string {
  return `${certificate.trim()}\n`;
}

/** `aa.toml`, the attestation agent's configuration: where to get a token. */
function renderAttestationAgent(source: Pick<InitdataSource, "url" | "certificate">): string {
  const kbs =
    source.certificate === undefined
      ? { url: source.url }
      : { url: source.url, cert: pem(source.certificate) };
  return TOML.stringify({ token_configs: { coco_as: { url: source.url }, kbs } });
}

/** `cdh.toml`, the Confidential Data Hub's configuration: where to get secrets, and the image policy. */
function renderDataHub(source: Pick<InitdataSource, "url" | "certificate" | "imagePolicyUri">): string {
  return TOML.stringify({
    socket: "unix:///run/confidential-containers/cdh.sock",
    credentials: [],
    kbc: {
      name: "cc_kbc",
      url: source.url,
      ...(source.certificate === undefined ? {} : { kbs_cert: pem(source.certificate) }),
    },
    ...(source.imagePolicyUri === undefined
      ? {}
      : { image: { image_security_policy_uri: source.imagePolicyUri } }),
  });
}

/**
 * Renders the initdata document. Keys have a fixed order (algorithm, version, claims by name, `[data]`), so
 * equal sources give equal bytes.
 */
export function renderInitdata(source: InitdataSource): string {
  const claims = Object.entries(source.claims).sort(byName);
  return TOML.stringify({
    algorithm: source.algorithm,
    version: INITDATA_VERSION,
    ...Object.fromEntries(claims),
    data: {
      "aa.toml": renderAttestationAgent(source),
      "cdh.toml": renderDataHub(source),
      "policy.rego": renderAgentPolicy(source.agentPolicy),
    },
  });
}
