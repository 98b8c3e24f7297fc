import { join } from "node:path";
import type { V1Pod } from "@kubernetes/client-node";
import { messageOf } from "../../../core/records.ts";
import { CONFIDENTIAL_RUNTIME_CLASS, STARTED_CONDITION } from "../../control-plane/kwok-configuration.ts";
import { NAMESPACE } from "../manifests/objects.ts";
import { type CdhEndpoint, serveCdh } from "./cdh.ts";
import { type Cluster, log, nameOf } from "./cluster.ts";
import { Guest } from "./guest.ts";
import { askOtherTrustee } from "./guest-route.ts";
import { answerGuest, type GuestAnswer, type GuestRequest } from "./guest-request.ts";
import { Kbs, type KbsOptions } from "./kbs.ts";
import { type Measurement, measure } from "./measurement.ts";
import { type Content, mountFiles } from "./mounts.ts";

/** A running confidential pod: its VM and its CDH. */
export interface ConfidentialPod {
  readonly guest: Guest;
  readonly cdh: CdhEndpoint;
}

export type PodOptions = Omit<KbsOptions, "logFile"> & {
  readonly logFolder: string;
  /** The folder of the sandbox whose Trustee the guests attest with. @default this sandbox */
  readonly trusteeFolder?: string | undefined;
};

/** Delay before another attempt to start a pod. Milliseconds. */
const RETRY = 1000;

/** Starts the pods that kwok leaves to the stand-ins, and keeps their guests and KBSs. */
export class Pods {
  readonly #cluster: Cluster;
  readonly #options: PodOptions;
  readonly #confidential = new Map<string, ConfidentialPod>();
  /** In start order. */
  readonly #kbs = new Map<string, Kbs>();
  readonly #starting = new Map<string, string>();

  constructor(cluster: Cluster, options: PodOptions) {
    this.#cluster = cluster;
    this.#options = options;
  }

  start(): void {
    const { pods } = this.#cluster;
    const seen = (pod: V1Pod): void => {
      this.#consider(pod);
    };
    pods.on("add", seen);
    pods.on("update", seen);
    pods.on("delete", (pod) => {
      this.#forget(pod.metadata?.uid ?? "");
    });
  }

  /** The current pod of that name. */
  find(
    namespace: string,
    name: string,
  ): { readonly pod: V1Pod; readonly confidential?: ConfidentialPod; readonly kbs?: Kbs } | undefined {
    const pod = this.#cluster.pods.get(name, namespace);
    if (pod === undefined) return undefined;
    const uid = pod.metadata?.uid ?? "";
    const [confidential, kbs] = [this.#confidential.get(uid), this.#kbs.get(uid)];
    return { pod, ...(confidential && { confidential }), ...(kbs && { kbs }) };
  }

  /** Answers a guest of this or another sandbox, with the KBS behind the service. */
  async answer(request: GuestRequest): Promise<GuestAnswer> {
    return answerGuest(this.#servingKbs(), request);
  }

  async #ask(request: GuestRequest): Promise<GuestAnswer> {
    const { trusteeFolder } = this.#options;
    return trusteeFolder === undefined ? this.answer(request) : askOtherTrustee(trusteeFolder, request);
  }

  /** The KBS behind the service: the oldest ready one, so that an unfinished rollout has an effect. */
  #servingKbs(): Kbs | undefined {
    const live = this.#cluster.pods
      .list(NAMESPACE)
      .filter((pod) => pod.metadata?.deletionTimestamp === undefined && isReady(pod));
    const uids = new Set(live.map((pod) => pod.metadata?.uid));
    return [...this.#kbs].find(([uid]) => uids.has(uid))?.[1];
  }

  #consider(pod: V1Pod): void {
    const uid = pod.metadata?.uid ?? "";
    const isConfidential = pod.spec?.runtimeClassName === CONFIDENTIAL_RUNTIME_CLASS;
    const isKbs = nameOf(pod).namespace === NAMESPACE && pod.metadata?.labels?.["app"] === "kbs";
    if (pod.spec?.nodeName === undefined || (!isConfidential && !isKbs)) return;
    if (pod.metadata?.deletionTimestamp !== undefined) return;
    if (this.#starting.has(uid) || this.#confidential.has(uid) || this.#kbs.has(uid)) return;
    this.#starting.set(uid, "");
    void this.#attempt(uid, pod, isKbs);
  }

  async #attempt(uid: string, pod: V1Pod, isKbs: boolean): Promise<void> {
    const { name, namespace } = nameOf(pod);
    if (!this.#starting.has(uid)) return;
    try {
      const problem = isKbs ? await this.#startKbs(uid, pod) : await this.#startConfidential(uid, pod);
      if (problem === undefined) {
        const now = new Date().toISOString();
        await this.#cluster.setPodCondition(pod, {
          type: STARTED_CONDITION,
          status: "True",
          lastTransitionTime: now,
        });
        this.#starting.delete(uid);
        return;
      }
      if (this.#starting.get(uid) !== problem.message) {
        log(`pod ${namespace}/${name} cannot start: ${problem.message}`);
        await this.#cluster.podEvent(pod, problem.reason, problem.message);
        if (this.#starting.has(uid)) this.#starting.set(uid, problem.message);
      }
    } catch (error) {
      log(`ERROR starting pod ${namespace}/${name}: ${messageOf(error)}`);
    }
    setTimeout(() => void this.#attempt(uid, pod, isKbs), RETRY);
  }

  async #startKbs(uid: string, pod: V1Pod): Promise<{ reason: string; message: string } | undefined> {
    const [configMaps, secrets] = [new Map<string, Content>(), new Map<string, Content>()];
    for (const volume of pod.spec?.volumes ?? []) {
      if (volume.configMap?.name !== undefined) {
        const content = await this.#cluster.readConfigMap(volume.configMap.name);
        if (content !== undefined) configMaps.set(volume.configMap.name, content);
      }
      if (volume.secret?.secretName !== undefined) {
        const content = await this.#cluster.readSecret(volume.secret.secretName);
        if (content !== undefined) secrets.set(volume.secret.secretName, content);
      }
    }
    const result = mountFiles(pod.spec, {
      configMap: (name) => configMaps.get(name),
      secret: (name) => secrets.get(name),
    });
    if ("problem" in result) return { reason: "FailedMount", message: result.problem };
    const crash = Kbs.startProblem(result.files, this.#options.generation);
    if (crash !== undefined)
      return { reason: "BackOff", message: `Back-off restarting failed container kbs: ${crash}` };
    if (!this.#starting.has(uid)) return undefined;
    const logFile = join(this.#options.logFolder, `${nameOf(pod).name}.log`);
    this.#kbs.set(uid, this.#kbs.get(uid) ?? new Kbs(result.files, { ...this.#options, logFile }));
    return undefined;
  }

  async #startConfidential(
    uid: string,
    pod: V1Pod,
  ): Promise<{ reason: string; message: string } | undefined> {
    if (this.#confidential.has(uid)) return undefined;
    let measurement: Measurement;
    try {
      measurement = measure(pod.metadata?.annotations ?? {});
    } catch (error) {
      const message = `Failed to create pod sandbox: invalid initdata: ${messageOf(error)}`;
      return { reason: "FailedCreatePodSandBox", message };
    }
    const { name, namespace } = nameOf(pod);
    const address = (): string => this.#cluster.pods.get(name, namespace)?.status?.podIP ?? "10.244.0.1";
    const ask = async (request: GuestRequest): Promise<GuestAnswer> => this.#ask(request);
    const guest = new Guest(`${namespace}/${name}`, measurement, ask, address);
    const problem = await guest.imageProblem();
    if (problem !== undefined) return { reason: "Failed", message: `Failed to pull image: ${problem}` };
    const cdh = await serveCdh(async (id) => guest.get(id));
    if (!this.#starting.has(uid)) {
      cdh.close();
      return undefined;
    }
    this.#confidential.set(uid, { guest, cdh });
    log(`pod ${namespace}/${name} runs: PCR8 ${measurement.pcr8}, CDH on port ${cdh.port}`);
    return undefined;
  }

  #forget(uid: string): void {
    this.#starting.delete(uid);
    this.#kbs.delete(uid);
    this.#confidential.get(uid)?.cdh.close();
    this.#confidential.delete(uid);
  }
}

function isReady(pod: V1Pod): boolean {
  return pod.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") ?? false;
}
