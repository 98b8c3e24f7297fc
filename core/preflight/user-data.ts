import type { Cloud } from "../initdata/tee.ts";
import { gauge, type Gauge } from "./gauge.ts";

/** Limit in bytes: for Azure of the base64, for AWS of the content before base64. libvirt has no limit. */
const limits: Readonly<Record<Cloud, number | undefined>> = {
  // https://learn.microsoft.com/azure/virtual-machines/user-data, and cloud-api-adaptor's check in providers/azure
  azure: 65_536,
  // https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-add-user-data.html: 16 KB, before base64
  aws: 16_384,
  libvirt: undefined,
};

/**
 * What peer pods add to the cloud-config: the agent protocol forwarder's configuration (the pod's network, a
 * TLS certificate, its key and a CA of P-256 or P-521), 2 to 3 KB, rounded up. An image pull secret would add
 * up to 12,288 bytes; pods declared here have none.
 */
const FORWARDER_ALLOWANCE = 4_096;

/**
 * The size of the cloud-config that peer pods write, with the initdata as its last file.
 * @see
 *   https://github.com/confidential-containers/cloud-api-adaptor/blob/main/src/cloud-providers/util/cloudinit/cloudconfig.go
 */
function cloudConfigBytes(initdataAnnotation: string): number {
  const frame = `#cloud-config

write_files:
  - path: /run/peerpod/apf.json
    content: |
  - path: /run/peerpod/initdata
    content: |
      ${initdataAnnotation}
`;
  return Buffer.byteLength(frame) + FORWARDER_ALLOWANCE;
}

/** How full the user data of a pod's VM is; `undefined` if the cloud has no limit. */
export function userDataGauge(cloud: Cloud, initdataAnnotation: string): Gauge | undefined {
  const limit = limits[cloud];
  if (limit === undefined) return undefined;
  const raw = cloudConfigBytes(initdataAnnotation);
  return gauge(cloud === "azure" ? Math.ceil(raw / 3) * 4 : raw, limit);
}
