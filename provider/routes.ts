import { z } from "zod";
import { covers, certificatesIn } from "../core/preflight/x509.ts";
import { byString } from "../core/records.ts";
import { knownRoutes } from "../core/trustee/generation.ts";
import type { KubeObject } from "../kube/objects.ts";
import type { NamespaceReads } from "./namespace-reads.ts";

/** The name that operators give to the Service of the KBS. */
const SERVICE = "kbs-service";

const routeSchema = z.object({
  spec: z.object({
    host: z.string().min(1).optional(),
    to: z.object({ name: z.string() }).optional(),
    tls: z.object({ termination: z.string().optional() }).nullish(),
  }),
  status: z
    .object({ ingress: z.array(z.object({ host: z.string().min(1).optional() })).default([]) })
    .nullish(),
});

/** A Route to the KBS. */
export interface KbsRoute {
  readonly name: string;
  readonly host: string;
  /** Whether the router terminates TLS, so that guests see its certificate and not the KBS's. */
  readonly terminatesTls: boolean;
}

function kbsRoute(route: KubeObject | undefined): readonly KbsRoute[] {
  const { spec, status } = routeSchema.safeParse(route).data ?? {};
  const host = spec?.host ?? status?.ingress.find((one) => one.host !== undefined)?.host;
  if (route === undefined || host === undefined) return [];
  const termination = spec?.tls?.termination;
  return [
    { name: route.metadata.name, host, terminatesTls: termination === "edge" || termination === "reencrypt" },
  ];
}

export interface FoundRoutes {
  readonly route: KbsRoute | undefined;
  /** A Route could not be read. */
  readonly isUnread: boolean;
  /** The Routes with names that operators and the tutorial use. */
  readonly known: readonly KubeObject[];
}

/**
 * Finds the Route to the KBS, in this order. Of several, the one whose host the certificate names comes
 * first:
 * - Routes with names that operators and the tutorial use: reading these needs no right to list
 * - any other Route to the Service of the KBS
 * @param hasUrl whether `trustee.url` is set. Then only the Route that identifies Red Hat's operator is read
 * @param served the certificates that the KBS serves, PEM; undefined if unknown
 */
export async function findRoute(
  reads: NamespaceReads,
  hasUrl: boolean,
  served: Promise<string | undefined>,
): Promise<FoundRoutes> {
  const names = hasUrl ? knownRoutes.slice(0, 1) : knownRoutes;
  const found = await Promise.all(names.map(async (name) => reads.read("Route", name, hasUrl)));
  const known = found.flatMap((read) => read?.value ?? []);
  const isUnread = found.some((read) => read === undefined);
  if (hasUrl) return { route: undefined, isUnread, known };
  const [leaf] = certificatesIn((await served) ?? "");
  const isNamed = ({ host }: KbsRoute): boolean => leaf !== undefined && covers(leaf, host);
  const first = known.flatMap(kbsRoute);
  const named = first.find(isNamed);
  if (named !== undefined || isUnread) return { route: named ?? first[0], isUnread, known };
  const others = (await reads.list("Route"))
    .filter((route) => !names.some((name) => name === route.metadata.name))
    .filter((route) => routeSchema.safeParse(route).data?.spec.to?.name === SERVICE)
    .sort((a, b) => byString(a.metadata.name, b.metadata.name))
    .flatMap(kbsRoute);
  return { route: others.find(isNamed) ?? first[0] ?? others[0], isUnread, known };
}
