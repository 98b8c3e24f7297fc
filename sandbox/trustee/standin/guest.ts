import { log } from "./cluster.ts";
import type { GuestAnswer, GuestRequest } from "./guest-request.ts";
import type { ResourceId } from "./kbs.ts";
import type { Measurement } from "./measurement.ts";

const IMAGE_POLICY = /^kbs:\/\/\/([^/]+)\/([^/]+)\/([^/]+)$/;

/** The confidential VM of one pod, as its KBS sees it. */
export class Guest {
  readonly measurement: Measurement;
  readonly #name: string;
  readonly #ask: (request: GuestRequest) => Promise<GuestAnswer>;
  readonly #address: () => string;

  /**
   * @param name for the log, namespace/name
   * @param ask asks the guest's KBS
   * @param address the pod's IP
   */
  constructor(
    name: string,
    measurement: Measurement,
    ask: (request: GuestRequest) => Promise<GuestAnswer>,
    address: () => string,
  ) {
    this.#name = name;
    this.measurement = measurement;
    this.#ask = ask;
    this.#address = address;
  }

  /** What the CDH gets for `id`; undefined if it gets nothing. */
  async get(id: ResourceId): Promise<Buffer | undefined> {
    const { tee, pcr8, kbs } = this.measurement;
    const answer = await this.#ask({ measurement: { tee, pcr8, kbs }, client: this.#address(), id });
    if ("resource" in answer) return answer.resource;
    log(`pod ${this.#name} cannot ask its KBS for ${id.repository}/${id.type}/${id.tag}: ${answer.problem}`);
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
