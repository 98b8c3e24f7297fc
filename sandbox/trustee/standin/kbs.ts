import { EventEmitter } from "node:events";
import { appendFileSync } from "node:fs";
import type { Generation } from "../../../core/trustee/generation.ts";
import type { Measurement } from "./measurement.ts";
import { referenceValue } from "./reference-values.ts";
import { evaluate } from "./rego.ts";
import { tokenClaims, type KbsVersion } from "./token.ts";

export interface KbsOptions {
  readonly generation: Generation;
  /** The shape in which the resource's path is handed to the policy. */
  readonly resourcePath: "string" | "array";
  readonly opa: string;
  /** The file that the pod's log is also written to. */
  readonly logFile: string;
}

/** Where the KBS finds its files, by generation; the paths are those of the mounts that the operator makes. */
const paths: Readonly<Record<Generation, { policy: string; referenceValues: string; repository: string }>> = {
  "0.18": {
    policy: "/opt/confidential-containers/opa/policy.rego",
    referenceValues: "/opt/confidential-containers/rvps/reference-values/reference-values.json",
    repository: "/opt/confidential-containers/kbs/repository/default",
  },
  "0.21": {
    policy: "/opt/confidential-containers/storage/kbs/resource-policy.rego",
    referenceValues: "/opt/confidential-containers/storage/local_json/reference_value",
    repository: "/tmp/kbs-secrets",
  },
};

const LOG_LINES = 5000;

/** What of a VM's measurement is attested. */
type Evidence = Pick<Measurement, "tee" | "pcr8">;

/** The resource that a pod asks for: repository/type/tag. */
export interface ResourceId {
  readonly repository: string;
  readonly type: string;
  readonly tag: string;
}

/** The KBS in one pod of trustee-deployment, with the files that were mounted when the pod started. */
export class Kbs {
  readonly lines: { readonly time: Date; readonly text: string }[] = [];
  /** Emits `line` with each line of the log. */
  readonly events = new EventEmitter();
  readonly #files: ReadonlyMap<string, Buffer>;
  readonly #options: KbsOptions;

  constructor(files: ReadonlyMap<string, Buffer>, options: KbsOptions) {
    this.#files = files;
    this.#options = options;
    this.#info("kbs", "Using config file /etc/kbs-config/kbs-config.toml");
    this.#info("kbs::api_server", "Starting HTTPS server at [0.0.0.0:8080]");
  }

  /** Why a KBS with these files ends right after its start, or undefined. */
  static startProblem(files: ReadonlyMap<string, Buffer>, generation: Generation): string | undefined {
    const { policy } = paths[generation];
    return files.has(policy)
      ? undefined
      : `Error: cannot write the default resource policy to ${policy}: Read-only file system`;
  }

  /** The TLS certificate that this KBS serves, PEM. */
  get certificate(): string {
    return this.#files.get("/etc/https-cert/certificate")?.toString("utf8") ?? "";
  }

  /**
   * What the KBS answers to a confidential VM: attests it, asks the resource policy, and looks the resource up.
   * @returns the resource, or undefined if it is denied or does not exist; the log says which
   */
  async getResource(measurement: Evidence, client: string, id: ResourceId): Promise<Buffer | undefined> {
    const started = performance.now();
    const path = `${id.repository}/${id.type}/${id.tag}`;
    const claims = this.#attest(measurement, client);
    if (claims === undefined) return undefined;
    const allowed = await this.#isAllowed(claims, id);
    const resource = allowed
      ? this.#files.get(`${paths[this.#options.generation].repository}/${id.type}/${id.tag}`)
      : undefined;
    const found = id.repository === "default" ? resource : undefined;
    if (!allowed) this.#error("PolicyDeny");
    else if (found === undefined) this.#error(`PluginInternalError: resource not found: ${path}`);
    const [status, size] = !allowed ? [401, 110] : found === undefined ? [404, 131] : [200, found.length];
    this.#access(client, `GET /kbs/v0/resource/${path}`, status, size, performance.now() - started);
    return found;
  }

  /** The claims of an attestation token, as far as policies read them; undefined where attestation itself fails. */
  #attest(measurement: Evidence, client: string): unknown {
    const { generation } = this.#options;
    this.#access(client, "POST /kbs/v0/auth", 200, 74, 0.1);
    const text =
      this.#files.get(paths[generation].referenceValues)?.toString("utf8") ??
      (generation === "0.18" ? "[]" : "{}");
    const { tee, pcr8 } = measurement;
    try {
      const values = referenceValue(generation, text, `${tee}_pcr08`, new Date());
      this.#info(
        "attestation_service",
        `Az${tee === "snp" ? "Snp" : "Tdx"}Vtpm Verifier/endorsement check passed.`,
      );
      this.#access(client, "POST /kbs/v0/attest", 200, 5077, 2.7);
      return tokenClaims(this.#version(), measurement, values.includes(pcr8), Math.floor(Date.now() / 1000));
    } catch (error) {
      this.#error(
        `AttestationError: reference values cannot be read: ${error instanceof Error ? error.message : "unknown"}`,
      );
      this.#access(client, "POST /kbs/v0/attest", 401, 300, 2.7);
      return undefined;
    }
  }

  #version(): KbsVersion {
    const { generation, resourcePath } = this.#options;
    if (generation === "0.21") return "v0.21";
    return resourcePath === "string" ? "v0.16" : "v0.18";
  }

  async #isAllowed(claims: unknown, id: ResourceId): Promise<boolean> {
    const { generation, resourcePath, opa } = this.#options;
    const parts = [id.repository, id.type, id.tag];
    const decision = await evaluate(opa, {
      policy: this.#files.get(paths[generation].policy)?.toString("utf8") ?? "",
      query: "data.policy.allow",
      input: claims,
      data:
        resourcePath === "string"
          ? { "resource-path": `resource/${parts.join("/")}` }
          : { "resource-path": parts, plugin: "resource" },
      syntax: generation === "0.18" ? "v0" : "v1",
    });
    if ("allowed" in decision) return decision.allowed;
    this.#error(`PolicyEngine error: ${decision.failure.replaceAll("\n", " ")}`);
    return false;
  }

  #access(client: string, request: string, status: number, size: number, milliseconds: number): void {
    const seconds = (milliseconds / 1000).toFixed(6);
    const agent = `"-" "attestation-agent-kbs-client/0.1.0"`;
    this.#info(
      "actix_web::middleware::logger",
      `${client} "${request} HTTP/1.1" ${status} ${size} ${agent} ${seconds}`,
    );
  }

  #info(module: string, text: string): void {
    this.#write("INFO", module, text);
  }

  #error(text: string): void {
    this.#write("ERROR", "kbs::error", text);
  }

  #write(level: string, module: string, message: string): void {
    const time = new Date();
    const text = `[${time.toISOString().slice(0, 19)}Z ${level} ${module}] ${message}`;
    this.lines.push({ time, text });
    if (this.lines.length > LOG_LINES) this.lines.shift();
    appendFileSync(this.#options.logFile, `${text}\n`, { mode: 0o600 });
    this.events.emit("line", { time, text });
  }
}
