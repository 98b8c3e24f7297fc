import type { InitdataEndpoint } from "../initdata/verbatim.ts";
import { areRelated, endpointFlaws, type EndpointFlaw } from "./endpoint.ts";
import type { InitdataFile } from "./initdata-files.ts";

/** The live KBS. */
export interface LiveEndpoint {
  readonly url: string;
  /** PEM. */
  readonly certificate: string;
  /** The Secret that holds it, for messages. */
  readonly where: string;
}

const bare = (url: string): string => url.replace(/(?<!\/)\/+$/, "");

/** What follows from a flaw, and what to mend: always the file, since that is taken as it is. */
function flawWords({ file, url }: InitdataEndpoint, flaw: EndpointFlaw): string {
  const certificate = `the certificate in its ${file}`;
  const renew = "Put the one that the KBS serves now into the file.";
  switch (flaw.kind) {
    case "no-url":
      return `its ${file} names the KBS "${url}", which is no http or https URL: the pod gets no secret. Correct the file.`;
    case "http":
      return `its ${file} names ${url}, which is not https, so the guest does not check that it talks to this KBS. Put the https URL into the file.`;
    case "unreadable":
      return `${certificate} cannot be read: the pod gets no secret. ${renew}`;
    case "term":
      return `${certificate} ${flaw.words}: the pod gets no secret. ${renew}`;
    case "soon":
      return `${certificate} ${flaw.words}. Other initdata then needs another file, and a new pod.`;
    case "host":
      return `${certificate} does not name ${flaw.host}, the host of its URL (it names ${flaw.names}). ${
        flaw.isCa
          ? "Unless it is the CA of the one that is served there, the pod gets no secret."
          : "The pod gets no secret: correct the URL in the file, or its certificate."
      }`;
  }
}

/** What has not been said of Trustee's own URL and certificate already, and is not answered by them. */
function isNew({ url, certificate }: InitdataEndpoint, live: LiveEndpoint, flaw: EndpointFlaw): boolean {
  const isLiveUrl = bare(url) === bare(live.url);
  const isLiveCertificate = certificate?.trim() === live.certificate.trim();
  switch (flaw.kind) {
    case "no-url":
    case "http":
      return !isLiveUrl;
    case "host":
      // The CA of the one that is served need not name the host.
      return !isLiveUrl || !(flaw.isCa ? areRelated(certificate ?? "", live.certificate) : isLiveCertificate);
    case "unreadable":
    case "term":
    case "soon":
      return !isLiveCertificate;
  }
}

function endpointWarnings(endpoint: InitdataEndpoint, live: LiveEndpoint, now: Date): readonly string[] {
  const { file, url, certificate } = endpoint;
  const flaws = endpointFlaws(endpoint, now);
  const said = flaws.filter((flaw) => isNew(endpoint, live, flaw)).map((flaw) => flawWords(endpoint, flaw));
  if (bare(url) !== bare(live.url)) {
    if (flaws.some(({ kind }) => kind === "no-url")) return said;
    const another = `its ${file} names the KBS ${url}, and the live one is at ${live.url}: the pod gets no secret from this Trustee.`;
    return [another, ...said];
  }
  const isSound = flaws.every(({ kind }) => kind === "soon");
  if (!isSound || certificate === undefined || areRelated(certificate, live.certificate)) return said;
  const foreign = `the certificate in its ${file} is another one than in ${live.where}: unless the KBS serves one that it signed, the pod gets no secret. Put the present one into the file.`;
  return [...said, foreign];
}

/**
 * Warnings of initdata files that name another KBS than the live one, or that their guest could not reach it by. Never more than
 * that: such a file is taken as it is, and the pod that it is of may run already.
 */
export function fileEndpointWarnings(
  files: readonly InitdataFile[],
  live: LiveEndpoint,
  now: Date,
): readonly string[] {
  return files.flatMap(({ path, facts }) =>
    facts.endpoints.flatMap((endpoint) =>
      endpointWarnings(endpoint, live, now).map((words) => `${path}: ${words}`),
    ),
  );
}
