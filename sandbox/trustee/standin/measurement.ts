import { createHash } from "node:crypto";
import { gunzipSync } from "node:zlib";
import { parse } from "smol-toml";
import { z } from "zod";

/**
 * The measurement of a confidential VM at its start. Later edits of the pod's annotations do not change it.
 */
export interface Measurement {
  readonly tee: "snp" | "tdx";
  /** PCR8 of the vTPM in hex: zeros extended by the sha256 of the initdata. All zeros without initdata. */
  readonly pcr8: string;
  /** The agent policy in the initdata (`policy.rego`), if any. */
  readonly agentPolicy: string | undefined;
  /** The KBS that the initdata names for the CDH (`cdh.toml`), if any. */
  readonly kbs: { readonly url: string; readonly certificate: string | undefined } | undefined;
  /**
   * Resources that the guest fetches before it starts a container: `cdh.toml` names them for image pulls and
   * credentials.
   */
  readonly needs: readonly string[];
}

const INITDATA = "io.katacontainers.config.hypervisor.cc_init_data";
const MACHINE_TYPE = "io.katacontainers.config.hypervisor.machine_type";

const initdataSchema = z.looseObject({
  algorithm: z.enum(["sha256", "sha384", "sha512"]),
  version: z.literal("0.1.0"),
  data: z.record(z.string(), z.string()).default({}),
});

const cdhSchema = z.looseObject({
  kbc: z.looseObject({ url: z.string(), kbs_cert: z.string().optional() }),
  image: z
    .looseObject({
      image_security_policy_uri: z.string().optional(),
      authenticated_registry_credentials_uri: z.string().optional(),
      registry_configuration_uri: z.string().optional(),
      sigstore_config_uri: z.string().optional(),
    })
    .default({}),
  credentials: z.array(z.looseObject({ resource_uri: z.string() })).default([]),
});

/**
 * The measurement of a pod with these annotations. It shares no code with core/, so that each checks the
 * other.
 * @throws Error if the initdata cannot be decoded; the guest's agent then refuses to start the pod
 */
export function measure(annotations: Readonly<Record<string, string>>): Measurement {
  const tee = /^Standard_[DE]C\d+e/.test(annotations[MACHINE_TYPE] ?? "") ? "tdx" : "snp";
  const encoded = annotations[INITDATA];
  if (encoded === undefined) {
    return { tee, pcr8: "0".repeat(64), agentPolicy: undefined, kbs: undefined, needs: [] };
  }
  const toml = gunzipSync(Buffer.from(encoded, "base64"));
  const { data } = initdataSchema.parse(parse(toml.toString("utf8")));
  const digest = createHash("sha256").update(toml).digest();
  const pcr8 = createHash("sha256").update(Buffer.alloc(32)).update(digest).digest("hex");
  const cdh = data["cdh.toml"];
  const configuration = cdh === undefined ? undefined : cdhSchema.parse(parse(cdh));
  const kbc = configuration?.kbc;
  const { image, credentials = [] } = configuration ?? {};
  const uris = [
    ...credentials.map(({ resource_uri: uri }) => uri),
    image?.authenticated_registry_credentials_uri,
    image?.sigstore_config_uri,
    image?.image_security_policy_uri,
    image?.registry_configuration_uri,
  ];
  return {
    tee,
    pcr8,
    agentPolicy: data["policy.rego"],
    kbs: kbc === undefined ? undefined : { url: kbc.url, certificate: kbc.kbs_cert },
    needs: uris.filter(
      (uri) => uri !== undefined && /^[^/]*:\/\//.test(uri) && !uri.startsWith("file://"),
    ) as string[],
  };
}
