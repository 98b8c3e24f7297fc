import { basename } from "node:path";
import { clusterCertificates } from "../../control-plane/certificates.ts";
import { Rest } from "../../control-plane/rest.ts";
import { layout } from "../../pulumi/environment.ts";
import { readRunState } from "../../state/run-state.ts";
import type { GuestAnswer, GuestRequest } from "./guest-request.ts";
import { GUEST_PATH, readGuestAnswer } from "./guest-route.ts";

/**
 * Asks the Trustee of another sandbox, by the kubelet there. That one serves whom its own CA knows: so whoever may read
 * the other sandbox's folder. It is looked up each time, since that sandbox may have been started anew meanwhile.
 * @param folder of the other sandbox
 */
export async function askOtherTrustee(folder: string, request: GuestRequest): Promise<GuestAnswer> {
  const whose = `the sandbox "${basename(folder)}", whose Trustee it attests with,`;
  const port = readRunState(folder)?.ports["kubelet"];
  if (port === undefined) return { problem: `${whose} does not run` };
  const { ca, kubeletClient } = clusterCertificates(layout(folder).certificates);
  const rest = new Rest(port, ca, kubeletClient);
  try {
    const { status, body } = await rest.call("POST", GUEST_PATH, request);
    if (status === 200) return readGuestAnswer(body);
    return { problem: `${whose} does not answer: ${String(body)}` };
  } finally {
    rest.close();
  }
}
