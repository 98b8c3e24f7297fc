import type { IncomingMessage, ServerResponse } from "node:http";
import { basename } from "node:path";
import { json } from "node:stream/consumers";
import { z } from "zod";
import { clusterCertificates } from "../../control-plane/certificates.ts";
import { Rest } from "../../control-plane/rest.ts";
import { layout } from "../../pulumi/environment.ts";
import { readRunState } from "../../state/run-state.ts";
import { type GuestAnswer, type GuestRequest, guestRequestSchema } from "./guest-request.ts";

/** The kubelet serves this path to guests of other sandboxes. It leads to the KBS of its own sandbox. */
const GUEST_PATH = "/guest";

const answerSchema = z.union([
  z.strictObject({ problem: z.string() }),
  /** The resource in base64. */
  z.strictObject({ resource: z.string().optional() }),
]);

/** Whether a request comes from a guest of another sandbox. */
export function isOfGuest({ method, url }: IncomingMessage): boolean {
  return method === "POST" && url === GUEST_PATH;
}

/**
 * Answers a guest of another sandbox.
 * @throws Error if the body is not a guest's request
 */
export async function serveGuest(
  request: IncomingMessage,
  response: ServerResponse,
  ask: (request: GuestRequest) => Promise<GuestAnswer>,
): Promise<void> {
  const answer = await ask(guestRequestSchema.parse(await json(request)));
  const body = "problem" in answer ? answer : { resource: answer.resource?.toString("base64") };
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body));
}

/**
 * Asks the Trustee of another sandbox through its kubelet, with the client certificate from that sandbox's
 * folder. The run state is read for each request, because that sandbox may have been restarted.
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
    if (status === 200) return readAnswer(body);
    return { problem: `${whose} does not answer: ${String(body)}` };
  } finally {
    rest.close();
  }
}

/** @throws Error if the body is not what {@link serveGuest} sends */
function readAnswer(body: unknown): GuestAnswer {
  const answer = answerSchema.parse(body);
  if ("problem" in answer) return answer;
  const { resource } = answer;
  return { resource: resource === undefined ? undefined : Buffer.from(resource, "base64") };
}
