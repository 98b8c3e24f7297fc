import { X509Certificate } from "node:crypto";
import { log } from "./cluster.ts";
import type { Kbs, ResourceId } from "./kbs.ts";
import type { Measurement } from "./measurement.ts";

const IMAGE_POLICY = /^kbs:\/\/\/([^/]+)\/([^/]+)\/([^/]+)$/;

/** The confidential VM of one pod, as its KBS sees it. */
export class Guest {
  readonly measurement: Measurement;
  readonly #name: string;
  readonly #kbs: () => Kbs | undefined;
  readonly #address: () => string;

  /**
   * @param name for the log, namespace/name
   * @param kbs the KBS that the service leads to at the moment
   * @param address the pod's IP
   */
  constructor(name: string, measurement: Measurement, kbs: () => Kbs | undefined, address: () => string) {
    this.#name = name;
    this.measurement = measurement;
    this.#kbs = kbs;
    this.#address = address;
  }

  /** What the CDH gets for `id`; undefined if it gets nothing. */
  async get(id: ResourceId): Promise<Buffer | undefined> {
    const kbs = this.#kbs();
    const problem = kbs === undefined ? "no KBS is ready" : connectionProblem(this.measurement, kbs);
    if (problem === undefined) return kbs?.getResource(this.measurement, this.#address(), id);
    log(`pod ${this.#name} cannot ask its KBS for ${id.repository}/${id.type}/${id.tag}: ${problem}`);
    return undefined;
  }

  /**
   * Pulling an image needs the image security policy that the initdata names, and that is a resource of the KBS.
   * @returns why the containers cannot be started, or undefined
   */
  async imageProblem(): Promise<string | undefined> {
    const uri = this.measurement.imagePolicy;
    if (uri === undefined) return undefined;
    const [, repository, type, tag] = IMAGE_POLICY.exec(uri) ?? [];
    if (repository === undefined || type === undefined || tag === undefined) {
      return `image security policy "${uri}" is no kbs:///repository/type/tag`;
    }
    const policy = await this.get({ repository, type, tag });
    return policy === undefined ? `image security policy ${uri} cannot be fetched from the KBS` : undefined;
  }
}

/** Why the guest does not reach, or does not trust, the KBS; undefined if it does. */
function connectionProblem(measurement: Measurement, kbs: Kbs): string | undefined {
  const configured = measurement.kbs;
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
