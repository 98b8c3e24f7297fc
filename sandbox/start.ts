import { constants } from "node:fs";
import { copyFile, link, mkdir, realpath, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Generation } from "../core/trustee/generation.ts";
import {
  type ClusterCertificates,
  makeClusterCertificates,
  makeTrusteeCertificate,
} from "./control-plane/certificates.ts";
import { writeKubeconfig } from "./control-plane/kubeconfig.ts";
import { newExecContainer, writeKwokConfiguration } from "./control-plane/kwok-configuration.ts";
import {
  controllerPrograms,
  controlPlanePrograms,
  portNames,
  type Ports,
  type Program,
} from "./control-plane/programs.ts";
import { Rest } from "./control-plane/rest.ts";
import { layout } from "./pulumi/environment.ts";
import {
  type KubernetesPlugin,
  ownKubernetesPlugin,
  placeKubernetesPlugin,
} from "./pulumi/kubernetes-plugin.ts";
import { LANGUAGE_HOST, placeLanguageHost } from "./pulumi/language-host.ts";
import { sandboxFolder, toolCache, usersPath } from "./state/folders.ts";
import { freePorts } from "./state/ports.ts";
import { thisProcess } from "./state/processes.ts";
import { deadProcesses, type RunState, writeRunState } from "./state/run-state.ts";
import { startProcess } from "./sandbox-processes.ts";
import { KUBERNETES_PLUGIN, type ProvidedTool } from "./tools/catalog.ts";
import { findOnPath } from "./tools/installed.ts";
import { planTools, provideTools, type Say, type ToolPaths } from "./tools/resolve.ts";
import { installTrustee, trusteeReady } from "./trustee/install.ts";
import { kbsHosts } from "./trustee/manifests/installation.ts";
import type { OperatorBuild } from "./trustee/manifests/objects.ts";
import type { StandinConfiguration } from "./trustee/standin/configuration.ts";

export interface StartOptions {
  /** Sandboxes with different names run side by side. @default "default" */
  readonly name: string;
  /** @default "0.18", the tutorial's */
  readonly trustee: Generation;
  /** Red Hat's operator is 1.1 for Trustee 0.18, and 1.2 for 0.21. @default "upstream" */
  readonly operator: OperatorBuild;
  /** Installs Trustee without the changes of the tutorial's earlier steps. @default false */
  readonly fresh: boolean;
  /** The format of a resource's path in the policy's data. @default "string" for 0.18, "array" for 0.21 */
  readonly resourcePath: "string" | "array";
  /** A running sandbox whose Trustee the guests of this one attest with. @default this sandbox */
  readonly trusteeOf?: string;
  /** A folder with pulumi-resource-kubernetes. @default $TRUSTEE_ACCESS_KUBERNETES_PLUGIN */
  readonly kubernetesPlugin?: string;
  /** Aborts the start, for example when the user interrupts. The sandbox is then removed. */
  readonly signal?: AbortSignal;
}

/** A step of the start. Steps run in sequence. */
export interface Step {
  readonly title: string;
  readonly run: (say: Say) => Promise<void>;
}

/** Timeout for the API server, and for Trustee. Milliseconds. */
const PATIENCE = 120_000;

/** Starts one sandbox in a new, empty folder. The constructor records this process there as the starter. */
export class Start {
  readonly #options: StartOptions;
  readonly #folder: string;
  #tools: ToolPaths = new Map();
  #rest: Rest | undefined;
  #plugin: Promise<KubernetesPlugin> | undefined;
  #state: RunState;

  constructor(options: StartOptions) {
    this.#options = options;
    this.#folder = sandboxFolder(options.name);
    const { name, trustee, operator, fresh, resourcePath, trusteeOf } = options;
    this.#state = {
      ...{ name, trustee, operator, fresh, resourcePath, trusteeOf },
      phase: "starting",
      starter: thisProcess(),
      ports: {},
      processes: [],
    };
    this.#update({});
  }

  steps(): readonly Step[] {
    return [
      { title: "Tools", run: async (say) => this.#provideTools(say) },
      { title: "Kubernetes control plane", run: async (detail) => this.#startControlPlane(detail) },
      { title: `Trustee ${this.#options.trustee}`, run: async (detail) => this.#installTrustee(detail) },
      { title: "Kubernetes plugin for Pulumi", run: async (say) => this.#finish(say) },
    ];
  }

  async #provideTools(say: Say): Promise<void> {
    const surroundings = { cache: toolCache(), path: usersPath(), signal: this.#options.signal };
    const plugin = await ownKubernetesPlugin(this.#options.kubernetesPlugin);
    const known = new Map(plugin === undefined ? [] : [[KUBERNETES_PLUGIN, plugin] as const]);
    this.#tools = await provideTools(await planTools(surroundings, known), surroundings, say);
    const { bin, pulumiHome } = layout(this.#folder);
    await mkdir(bin, { recursive: true });
    const programs = [...this.#tools].filter(([name]) => name !== KUBERNETES_PLUGIN);
    await Promise.all(programs.map(async ([name, tool]) => this.#placeTool(name, tool, bin)));
    this.#plugin = placeKubernetesPlugin(pulumiHome, this.#tool(KUBERNETES_PLUGIN));
    this.#plugin.catch(() => undefined);
  }

  async #placeTool(name: string, { file, from }: ProvidedTool, bin: string): Promise<void> {
    const place = async (folder: string): Promise<void> => placeTool(name, file, folder);
    if (name === LANGUAGE_HOST && from === "build") await placeLanguageHost(bin, place);
    else await place(bin);
  }

  async #startControlPlane(detail: (text: string) => void): Promise<void> {
    const { certificates: folder, kubeconfig, logs, pulumiHome, pulumiState } = layout(this.#folder);
    await Promise.all(
      [logs, pulumiHome, pulumiState].map(async (each) => mkdir(each, { recursive: true, mode: 0o700 })),
    );
    // Pulumi writes a debug log of each command into this folder. This takes a fifth of the command's processor time,
    // and no option turns it off. Pulumi continues without the log if it cannot create the folder.
    await writeFile(join(pulumiHome, "logs"), "");
    detail("certificates");
    const [certificates, ports] = await Promise.all([makeClusterCertificates(folder), freePorts(portNames)]);
    this.#update({ ports });
    const execContainer = newExecContainer();
    const files = {
      certificates,
      kubeconfig,
      etcdData: join(this.#folder, "etcd"),
      kwokConfiguration: join(this.#folder, "kwok.yaml"),
    };
    await Promise.all([
      writeKubeconfig(kubeconfig, ports.apiServer, certificates.ca, certificates.admin),
      writeKwokConfiguration(files.kwokConfiguration, execContainer),
      makeTrusteeCertificate(folder, [...kbsHosts, "kbs-service", "kbs-service.trustee-operator-system.svc"]),
    ]);
    this.#spawnAll(controlPlanePrograms(files, ports));
    await this.#startStandins(certificates, ports, execContainer);
    detail("waiting for the API server");
    this.#rest = new Rest(ports.apiServer, certificates.ca, certificates.admin);
    await this.#apiServerReady(this.#rest);
    this.#spawnAll(controllerPrograms(files, ports));
  }

  async #startStandins(
    { kubelet, ca }: ClusterCertificates,
    ports: Ports,
    execContainer: string,
  ): Promise<void> {
    const { kubeconfig, logs } = layout(this.#folder);
    const { trusteeOf } = this.#options;
    const configuration: StandinConfiguration = {
      generation: this.#options.trustee,
      operator: this.#options.operator,
      resourcePath: this.#options.resourcePath,
      kubeconfig,
      opa: this.#tool("opa").file,
      curl: (await findOnPath("curl", usersPath())) ?? "curl",
      logFolder: logs,
      kubeletPort: ports.kubelet,
      kwokPort: ports.kwok,
      execContainer,
      certificate: kubelet.certificate,
      key: kubelet.key,
      ca: ca.certificate,
      installedMarker: join(this.#folder, "installed"),
      trusteeFolder: trusteeOf === undefined ? undefined : sandboxFolder(trusteeOf),
    };
    const file = join(this.#folder, "standins.json");
    await writeFile(file, `${JSON.stringify(configuration, null, 2)}\n`, { mode: 0o600 });
    const program = join(import.meta.dirname, "trustee", "standin", "main.ts");
    this.#spawn("standins", process.execPath, ["--disable-warning=ExperimentalWarning", program, file]);
  }

  async #installTrustee(detail: (text: string) => void): Promise<void> {
    const { certificates } = layout(this.#folder);
    const rest = this.#rest;
    if (rest === undefined) throw new Error("the control plane has not been started");
    detail("custom resources, ConfigMaps and secrets");
    await installTrustee(rest, {
      generation: this.#options.trustee,
      operator: this.#options.operator,
      fresh: this.#options.fresh,
      certificate: join(certificates, "trustee.crt"),
      key: join(certificates, "trustee.key"),
      onKinds: async () => writeFile(join(this.#folder, "installed"), ""),
    });
    detail("waiting for trustee-deployment");
    await trusteeReady(rest, PATIENCE, () => {
      this.#checkAlive();
    });
    rest.close();
  }

  async #finish(say: Say): Promise<void> {
    const kubernetesPlugin = await this.#plugin;
    if (kubernetesPlugin === undefined) throw new Error("no Kubernetes plugin has been placed");
    say(kubernetesPlugin.source, "notice");
    this.#update({ kubernetesPlugin, phase: "ready" });
  }

  #tool(name: string): ProvidedTool {
    const tool = this.#tools.get(name);
    if (tool === undefined) throw new Error(`the tool ${name} has not been provided`);
    return tool;
  }

  #spawnAll(programs: readonly Program[]): void {
    for (const { tool, arguments: given } of programs) this.#spawn(tool, this.#tool(tool).file, given);
  }

  #spawn(name: string, program: string, programArguments: readonly string[]): void {
    this.#options.signal?.throwIfAborted();
    const command = { name, program, arguments: [...programArguments] };
    const process = startProcess(this.#folder, command);
    this.#update({ processes: [...this.#state.processes, process] });
  }

  #update(change: Partial<RunState>): void {
    this.#options.signal?.throwIfAborted();
    this.#state = { ...this.#state, ...change };
    writeRunState(this.#folder, this.#state);
  }

  /** @throws Error if a process has ended, or the start was aborted */
  #checkAlive(): void {
    this.#options.signal?.throwIfAborted();
    const [dead] = deadProcesses(this.#state);
    if (dead === undefined) return;
    throw new Error(`${dead} ended unexpectedly; its log: ${join(layout(this.#folder).logs, `${dead}.log`)}`);
  }

  async #apiServerReady(rest: Rest): Promise<void> {
    for (const end = Date.now() + PATIENCE; Date.now() < end;) {
      if ((await rest.call("GET", "/readyz")).status === 200) return;
      this.#checkAlive();
      await sleep(100);
    }
    throw new Error(
      `the API server did not become ready; its log: ${join(layout(this.#folder).logs, "kube-apiserver.log")}`,
    );
  }
}

/**
 * Puts a tool into the sandbox's `bin` folder, as a symbolic link. Pulumi resolves links before it looks for
 * its language host in its own folder, so these two are hard links or copies.
 */
async function placeTool(name: string, file: string, folder: string): Promise<void> {
  const target = join(folder, name);
  if (!name.startsWith("pulumi")) await symlink(file, target);
  else
    await link(await realpath(file), target).catch(async () =>
      copyFile(file, target, constants.COPYFILE_FICLONE),
    );
}
