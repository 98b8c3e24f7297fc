import { X509Certificate } from "node:crypto";
import { z } from "zod";
import type { Kbs } from "./kbs.ts";

/** What a guest sends to its KBS: also to that of another sandbox, and so it can be parsed. */
export const guestRequestSchema = z.object({
  measurement: z.object({
    tee: z.enum(["snp", "tdx"]),
    pcr8: z.string(),
    /** Whom the guest takes for its KBS. */
    kbs: z.object({ url: z.string(), certificate: z.string().optional() }).optional(),
  }),
  /** The pod's IP. */
  client: z.string(),
  id: z.object({ repository: z.string(), type: z.string(), tag: z.string() }),
});

/** See {@link guestRequestSchema}. */
export type GuestRequest = z.infer<typeof guestRequestSchema>;

/** The resource, undefined if the KBS denies it or does not have it; or why the KBS was not asked. */
export type GuestAnswer = { readonly resource: Buffer | undefined } | { readonly problem: string };

/** @param kbs the one that the service leads to at the moment */
export async function answerGuest(kbs: Kbs | undefined, request: GuestRequest): Promise<GuestAnswer> {
  if (kbs === undefined) return { problem: "no KBS is ready" };
  const { measurement, client, id } = request;
  const problem = connectionProblem(measurement, kbs);
  return problem === undefined ? { resource: await kbs.getResource(measurement, client, id) } : { problem };
}

/** Why the guest does not reach, or does not trust, the KBS; undefined if it does. */
function connectionProblem({ kbs: configured }: GuestRequest["measurement"], kbs: Kbs): string | undefined {
  if (configured === undefined) return "its initdata names no KBS (cdh.toml, kbc.url)";
  if (!covers(kbs.certificate, configured.url)) return `there is no KBS at ${configured.url}`;
  const trusted = compact(configured.certificate ?? "");
  const served = compact(kbs.certificate);
  return trusted.includes(served) ? undefined : "the KBS serves another certificate than its initdata trusts";
}

/** Whether the KBS's certificate covers the URL's host: every name that it covers leads to the KBS here. */
function covers(certificate: string, url: string): boolean {
  const parsed = URL.parse(url);
  return (
    parsed?.protocol === "https:" && new X509Certificate(certificate).checkHost(parsed.hostname) !== undefined
  );
}

function compact(pem: string): string {
  return pem.replaceAll(/\s/g, "");
}
