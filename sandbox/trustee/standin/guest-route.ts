import type { IncomingMessage, ServerResponse } from "node:http";
import { json } from "node:stream/consumers";
import { z } from "zod";
import { type GuestAnswer, type GuestRequest, guestRequestSchema } from "./guest-request.ts";

/** Where a kubelet takes requests of other sandboxes' guests to the KBS beside it. */
export const GUEST_PATH = "/guest";

const answerSchema = z.union([
  z.strictObject({ problem: z.string() }),
  /** The resource in base64. */
  z.strictObject({ resource: z.string().optional() }),
]);

/** Whether a request is one of another sandbox's guest. */
export function isOfGuest({ method, url }: IncomingMessage): boolean {
  return method === "POST" && url === GUEST_PATH;
}

/**
 * Answers a guest of another sandbox.
 * @throws Error if it is no request of a guest
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

/** What {@link serveGuest} has sent. @throws Error if it is something else */
export function readGuestAnswer(body: unknown): GuestAnswer {
  const answer = answerSchema.parse(body);
  if ("problem" in answer) return answer;
  const { resource } = answer;
  return { resource: resource === undefined ? undefined : Buffer.from(resource, "base64") };
}
