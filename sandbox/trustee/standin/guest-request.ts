import { X509Certificate } from "node:crypto";
import { z } from "zod";
import type { Kbs } from "./kbs.ts";

/** A guest's request to its KBS. It is sent as JSON if the KBS is in another sandbox. */
export const guestRequestSchema = z.object({
  measurement: z.object({
    tee: z.enum(["snp", "tdx"]),
    pcr8: z.string(),
    /** The KBS that the guest's initdata names. */
    kbs: z.object({ url: z.string(), certificate: z.string().optional() }).optional(),
  }),
  /** The pod's IP. */
  client: z.string(),
  id: z.object({ repository: z.string(), type: z.string(), tag: z.string() }),
});

export type GuestRequest = z.infer<typeof guestRequestSchema>;

/** The resource, or undefined if it is denied or missing; or why the guest could not ask the KBS. */
export type GuestAnswer = { readonly resource: Buffer | undefined } | { readonly problem: string };

/** @param kbs the KBS behind the service */
export async function answerGuest(kbs: Kbs | undefined, request: GuestRequest): Promise<GuestAnswer> {
  if (kbs === undefined) return { problem: "no KBS is ready" };
  const { measurement, client, id } = request;
  const problem = connectionProblem(measurement, kbs);
  return problem === undefined ? { resource: await kbs.getResource(measurement, client, id) } : { problem };
}

/** Why the guest cannot reach or does not trust the KBS; undefined if it can and does. */
function connectionProblem({ kbs: configured }: GuestRequest["measurement"], kbs: Kbs): string | undefined {
  if (configured === undefined) return "its initdata names no KBS (cdh.toml, kbc.url)";
  if (!covers(kbs.certificate, configured.url)) return `there is no KBS at ${configured.url}`;
  const trusted = compact(configured.certificate ?? "");
  const served = compact(kbs.certificate);
  return trusted.includes(served) ? undefined : "the KBS serves another certificate than its initdata trusts";
}

/**
 * Whether the KBS's certificate covers the URL's host. In the sandbox, every covered name resolves to the
 * KBS.
 */
function covers(certificate: string, url: string): boolean {
  const parsed = URL.parse(url);
  return (
    parsed?.protocol === "https:" && new X509Certificate(certificate).checkHost(parsed.hostname) !== undefined
  );
}

function compact(pem: string): string {
  return pem.replaceAll(/\s/g, "");
}
