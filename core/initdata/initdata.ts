import TOML from "@iarna/toml";
import type { DigestAlgorithm } from "../digest.ts";
import { byName } from "../records.ts";
import { renderAgentPolicy, type AgentPolicy } from "./agent-policy.ts";

/**
 * The only version of the initdata document there is.
 * @see https://github.com/confidential-containers/trustee/blob/main/kbs/docs/initdata.md
 */
export const INITDATA_VERSION = "0.1.0";

/** What an initdata document is built from. */
export interface InitdataSource {
  /** The digest by which the document is bound. */
  readonly algorithm: DigestAlgorithm;
  /** Further top-level strings, e.g. `pod_name`, which tell one pod's initdata from another's. */
  readonly claims: Readonly<Record<string, string>>;
  /** The KBS, as the guest reaches it, e.g. `https://kbs-service-trustee-operator-system.apps.example.com`. */
  readonly url: string;
  /** The KBS's certificate, PEM. Absent: the guest's own trust store decides. */
  readonly certificate?: string;
  /** `kbs:///default/<secret>/<key>` of the image security policy. Absent: no image policy is asked for. */
  readonly imagePolicyUri?: string;
  readonly agentPolicy: AgentPolicy;
}

/** A certificate as the documents carry it: without blank lines around it, with one newline at its end. */
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

/** `cdh.toml`, the Confidential Data Hub's configuration: where secrets come from and which image policy holds. */
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
 * The initdata document. Keys stand in a fixed order (algorithm, version, the claims by name, `[data]`), so equal
 * sources give equal bytes however they were written down.
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
