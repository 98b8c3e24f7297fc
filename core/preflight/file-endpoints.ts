import type { InitdataEndpoint } from "../initdata/guest-files.ts";
import type { InitdataFacts } from "../initdata/verbatim.ts";
import type { Plan } from "../plan/plan.ts";
import { certificateBlocks } from "../pem.ts";
import { anchorAmong } from "./authority.ts";
import { endpointFlaws, type Endpoint, type EndpointFlaw } from "./endpoint.ts";
import { areRelated, certificatesIn, isAuthority, isSelfSigned } from "./x509.ts";

/** A user's initdata file, used as it is. */
export interface InitdataFile {
  /** The pod or reader that uses it, as grants name it. */
  readonly id: string;
  /** Its path in the settings. */
  readonly path: string;
  readonly facts: InitdataFacts;
}

/** The initdata files of pods and readers. */
export function initdataFiles({ pods, readers }: Pick<Plan, "pods" | "readers">): readonly InitdataFile[] {
  return [
    ...pods.flatMap(({ declaration: { id }, facts }, index) =>
      facts === undefined ? [] : [{ id, path: `pods[${index}].initdataFile`, facts }],
    ),
    ...readers.flatMap(({ id, path, facts }) =>
      facts === undefined ? [] : [{ id, path: `${path}.initdataFile`, facts }],
    ),
  ];
}

/** The live KBS. */
interface LiveEndpoint extends Endpoint {
  /** The Secret with the served certificate, for messages. */
  readonly where: string;
}

const bare = (url: string): string => url.replace(/(?<!\/)\/+$/, "");

/** The effect of a flaw, and the fix. The fix is always in the file, which is used as it is. */
function flawWords({ file, url }: InitdataEndpoint, flaw: EndpointFlaw): string {
  const certificate = `the certificate in its ${file}`;
  const renew = "Put the one that the KBS serves now into the file.";
  switch (flaw.kind) {
    case "no-url":
      return `its ${file} names the KBS "${url}", which is not an http or https URL: the pod gets no secret. Correct the file.`;
    case "http":
      return `its ${file} names ${url}, which is not https, so the guest does not check that it talks to this KBS. Put the https URL into the file.`;
    case "unreadable":
      return `${certificate} cannot be read: the pod gets no secret. ${renew}`;
    case "term":
      return `${certificate} ${flaw.words}: the pod gets no secret. ${renew}`;
    case "soon":
      return `${certificate} ${flaw.words}. Its replacement needs a new file and a new pod.`;
    case "authority":
      return `${certificate} is a CA's (basicConstraints CA:TRUE), and no guest accepts a CA as a server certificate: if the KBS serves it, the pod gets no secret. Then issue one with CA:FALSE, and put it into the file.`;
    case "unfit":
      return `${certificate} ${flaw.words}: the pod gets no secret. ${renew}`;
    case "issuer":
      return `${certificate} is issued by ${flaw.issuer}, and is not self-signed: the pod gets no secret. Put the CA's certificate into the file, as the first or the only one.`;
    case "host":
      return `${certificate} does not name ${flaw.host}, the host of its URL (it names ${flaw.names}). ${
        flaw.isCa ? "Unless it is the CA of the KBS's certificate, the" : "The"
      } pod gets no secret: correct the URL or the certificate in the file.`;
  }
}

/** Whether a guest that trusts the first of these certificates accepts the live KBS. */
function isTrusted(certificate: string, { certificate: pinned, served = pinned }: LiveEndpoint): boolean {
  if (served === undefined || served === null) return true;
  const [leaf] = certificatesIn(served);
  // A CA in the Secret is not a served certificate.
  if (leaf === undefined || isAuthority(leaf)) return areRelated(certificate, served);
  const [first = ""] = certificateBlocks(certificate);
  return anchorAmong(first, served) !== undefined;
}

/** Whether a flaw is new: not one of Trustee's own URL and certificate, and not caused by one. */
function isNew({ url, certificate }: InitdataEndpoint, live: LiveEndpoint, flaw: EndpointFlaw): boolean {
  const isLiveUrl = bare(url) === bare(live.url);
  const isLiveCertificate = certificate?.trim() === live.certificate?.trim();
  switch (flaw.kind) {
    case "no-url":
    case "http":
    case "authority":
      return !isLiveUrl;
    case "host":
      // The CA of the served certificate need not name the host.
      return !isLiveUrl || !(flaw.isCa ? isTrusted(certificate ?? "", live) : isLiveCertificate);
    case "unreadable":
    case "term":
    case "soon":
    case "unfit":
      return !isLiveCertificate;
    case "issuer":
      return true;
  }
}

/** Why the guest rejects the live KBS although the certificate in its file is sound. */
function foreignWords({ file, certificate = "" }: InitdataEndpoint, live: LiveEndpoint): readonly string[] {
  if (isTrusted(certificate, live)) return [];
  const { certificate: pinned, served = pinned, where } = live;
  if (anchorAmong(certificate, served ?? "") !== undefined) {
    return [
      `the guest reads only the first certificate in its ${file}, but a later certificate matches the KBS: the pod gets no secret. Put the matching certificate first.`,
    ];
  }
  const present = pinned === served ? "the current certificate" : "the CA's certificate";
  return [
    `the certificate in its ${file} does not verify the certificate in ${where}: if the KBS serves that certificate, the pod gets no secret. Put ${present} into the file.`,
  ];
}

/** The setting for the certificate, per file. */
const certificateSettings: Readonly<Record<InitdataEndpoint["file"], string>> = {
  "cdh.toml": "kbc.kbs_cert in cdh.toml",
  "aa.toml": "token_configs.kbs.cert in aa.toml",
};

/** Why a guest without a certificate rejects the live KBS. */
function bareWords(
  { files }: InitdataEndpoint,
  { certificate, served = certificate }: LiveEndpoint,
): readonly string[] {
  const [leaf] = certificatesIn(served ?? "");
  if (leaf === undefined || !isSelfSigned(leaf)) return [];
  const has = `its ${files.join(" and ")} ${files.length === 1 ? "has" : "have"}`;
  const settings = files.map((file) => certificateSettings[file]).join(" and ");
  return [
    `${has} no certificate, and the KBS's is self-signed, which no guest trusts by default: the pod gets no secret. Add it: ${settings}.`,
  ];
}

/** Flaws of the URL itself. They do not matter if it is not the live one's. */
const ofUrl: readonly EndpointFlaw["kind"][] = ["no-url", "http", "host"];

/** @param isSaid whether the same URL was already reported for another file */
function endpointWarnings(
  endpoint: InitdataEndpoint,
  live: LiveEndpoint,
  now: Date,
  isSaid: boolean,
): readonly string[] {
  const { file, url, certificate } = endpoint;
  const all = endpointFlaws({ url, certificate }, now);
  const isLive = bare(url) === bare(live.url);
  const flaws = all.filter(({ kind }) => !ofUrl.includes(kind) || (isLive && (!isSaid || kind === "host")));
  const said = flaws.filter((flaw) => isNew(endpoint, live, flaw)).map((flaw) => flawWords(endpoint, flaw));
  if (!isLive) {
    if (isSaid) return said;
    const noUrl = all.find(({ kind }) => kind === "no-url");
    const another = `its ${file} names the KBS ${url}, but the live one is at ${live.url}: the pod gets no secret from this Trustee. If it should, put the live URL into the file.`;
    return [noUrl === undefined ? another : flawWords(endpoint, noUrl), ...said];
  }
  if (certificate === undefined) {
    return all.some(({ kind }) => kind === "http") ? said : [...said, ...bareWords(endpoint, live)];
  }
  const isSound = all.every(({ kind }) => kind === "soon" || kind === "authority");
  return isSound ? [...said, ...foreignWords(endpoint, live)] : said;
}

/**
 * Warnings about initdata files that name another KBS, or cannot reach the live one. Never issues: a file is
 * used as it is, and its pod may be running already.
 */
export function fileEndpointWarnings(
  files: readonly InitdataFile[],
  live: LiveEndpoint,
  now: Date,
): readonly string[] {
  return files.flatMap(({ path, facts }) =>
    facts.endpoints.flatMap((endpoint, index, all) => {
      const isSaid = all.slice(0, index).some(({ url }) => bare(url) === bare(endpoint.url));
      return endpointWarnings(endpoint, live, now, isSaid).map((words) => `${path}: ${words}`);
    }),
  );
}
