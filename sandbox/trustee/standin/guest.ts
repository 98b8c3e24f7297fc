import { log } from "./cluster.ts";
import type { GuestAnswer, GuestRequest } from "./guest-request.ts";
import type { ResourceId } from "./kbs.ts";
import type { Measurement } from "./measurement.ts";

const RESOURCE = /^kbs:\/\/\/([^/]+)\/([^/]+)\/([^/]+)$/;

/** The confidential VM of a pod, as a client of its KBS. */
export class Guest {
  readonly measurement: Measurement;
  readonly #name: string;
  readonly #ask: (request: GuestRequest) => Promise<GuestAnswer>;
  readonly #address: () => string;

  /**
   * @param name namespace/name, for the log
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

  /** Fetches a resource for the CDH; undefined if it is denied or missing. */
  async get(id: ResourceId): Promise<Buffer | undefined> {
    const { tee, pcr8, kbs } = this.measurement;
    const answer = await this.#ask({ measurement: { tee, pcr8, kbs }, client: this.#address(), id });
    if ("resource" in answer) return answer.resource;
    log(`pod ${this.#name} cannot ask its KBS for ${id.repository}/${id.type}/${id.tag}: ${answer.problem}`);
    return undefined;
  }

  /**
   * Fetches the KBS resources that the initdata names for pulling images, for example the image security
   * policy.
   * @returns why the containers cannot start, or undefined
   */
  async imageProblem(): Promise<string | undefined> {
    for (const uri of this.measurement.needs) {
      const [, repository, type, tag] = RESOURCE.exec(uri) ?? [];
      if (repository === undefined || type === undefined || tag === undefined) {
        return `"${uri}" is no kbs:///repository/type/tag`;
      }
      if ((await this.get({ repository, type, tag })) === undefined) {
        return `${uri} cannot be fetched from the KBS`;
      }
    }
    return undefined;
  }
}
