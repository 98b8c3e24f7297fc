import { randomBytes } from "node:crypto";
import { EventEmitter } from "node:events";
import { appendFileSync } from "node:fs";
import type { Generation } from "../../../core/trustee/generation.ts";
import { type Appraisal, appraise, type Evidence } from "./appraisal.ts";
import {
  type Answer,
  attestationError,
  errorAnswer,
  type KbsProblem,
  pluginInternalError,
  sizeOf,
  tokenNotFound,
} from "./kbs-answer.ts";
import { type Level, logLines } from "./log-form.ts";
import { referenceValue } from "./reference-values.ts";
import { located } from "./regorus.ts";
import { askPolicy, type Verdict } from "./resource-policy.ts";
import { type KbsVersion, tokenClaims } from "./token.ts";

export interface KbsOptions {
  readonly generation: Generation;
  /** The format of a resource's path in the policy's data. */
  readonly resourcePath: "string" | "array";
  readonly opa: string;
  /** The log is also appended to this file. */
  readonly logFile: string;
}

interface Paths {
  readonly policy: string;
  readonly attestationPolicy: string;
  readonly referenceValues: string;
  readonly repository: string;
}

/** The KBS's files by generation. The paths are those of the operator's mounts. */
export const kbsPaths: Readonly<Record<Generation, Paths>> = {
  "0.18": {
    policy: "/opt/confidential-containers/opa/policy.rego",
    attestationPolicy: "/opt/confidential-containers/attestation-service/policies/opa/default_cpu.rego",
    referenceValues: "/opt/confidential-containers/rvps/reference-values/reference-values.json",
    repository: "/opt/confidential-containers/kbs/repository/default",
  },
  "0.21": {
    policy: "/opt/confidential-containers/storage/kbs/resource-policy.rego",
    attestationPolicy: "/opt/confidential-containers/storage/attestation_service_policy/default_cpu.rego",
    referenceValues: "/opt/confidential-containers/storage/local_json/reference_value",
    repository: "/tmp/kbs-secrets",
  },
};

const LOG_LINES = 5000;

/** A resource: repository/type/tag. */
export interface ResourceId {
  readonly repository: string;
  readonly type: string;
  readonly tag: string;
}

/** A client's session. It has claims once the client has attested. */
export interface Session {
  readonly cookie: string;
  readonly claims?: unknown;
  /** The answer to the attest request. */
  readonly answer: Answer;
}

/** The KBS in one pod of trustee-deployment, with the files that were mounted at the pod's start. */
export class Kbs {
  readonly lines: { readonly time: Date; readonly text: string }[] = [];
  /** Emits `line` for each log line. */
  readonly events = new EventEmitter();
  readonly #files: ReadonlyMap<string, Buffer>;
  readonly #options: KbsOptions;
  readonly #version: KbsVersion;

  /** @param files by path, read at each request; a path with a final slash is a folder */
  constructor(files: ReadonlyMap<string, Buffer>, options: KbsOptions) {
    this.#files = files;
    this.#options = options;
    const { generation, resourcePath } = options;
    this.#version = generation === "0.21" ? "v0.21" : resourcePath === "string" ? "v0.16" : "v0.18";
    this.#write("INFO", "kbs", "Using config file /etc/kbs-config/kbs-config.toml");
    this.#write("INFO", "kbs::api_server", "Starting HTTPS server at [0.0.0.0:8080]");
  }

  /**
   * Why a KBS with these files crashes at its start; undefined if it does not. Up to v0.18 it tries to write a
   * missing policy.
   */
  static startProblem(files: ReadonlyMap<string, Buffer>, generation: Generation): string | undefined {
    if (generation === "0.21" || files.has(kbsPaths[generation].policy)) return undefined;
    const cause = "Read-only file system (os error 30)";
    return `Error: Policy engine error\n\nCaused by:\n    0: Policy IO Error: ${cause}\n    1: ${cause}`;
  }

  /** The TLS certificate that this KBS serves, PEM. */
  get certificate(): string {
    return this.#files.get("/etc/https-cert/certificate")?.toString("utf8") ?? "";
  }

  /**
   * Simulates a guest's client. It asks without a session, is refused, attests, and asks again.
   * @returns the resource, or undefined if it is denied or missing; the log says which
   */
  async getResource(evidence: Evidence, client: string, id: ResourceId): Promise<Buffer | undefined> {
    await this.get(undefined, client, id);
    const session = this.attest(evidence, client);
    if (session.claims === undefined) return undefined;
    const { status, body } = await this.get(session, client, id);
    return status === 200 ? body : undefined;
  }

  /** The RCAR handshake: auth and attest. */
  attest(evidence: Evidence, client: string): Session {
    const cookie = randomBytes(16).toString("hex");
    const auth = { status: 200, body: Buffer.alloc(0) };
    this.#access(client, "POST /kbs/v0/auth", auth, 74, 0.1);
    const verifier = evidence.tee === "sample" ? "Sample" : `Az${evidence.tee === "snp" ? "Snp" : "Tdx"}Vtpm`;
    this.#write("INFO", "attestation_service", `${verifier} Verifier/endorsement check passed.`);
    const appraisal = this.#appraise(evidence);
    if ("debug" in appraisal) {
      const answer = this.#refuse(appraisal);
      this.#access(client, "POST /kbs/v0/attest", answer, sizeOf(answer), 2.7);
      return { cookie, answer };
    }
    const claims = tokenClaims(this.#version, evidence, appraisal, Math.floor(Date.now() / 1000));
    const answer = { status: 200, body: Buffer.from(JSON.stringify(claims)) };
    this.#access(client, "POST /kbs/v0/attest", answer, 5077, 2.7);
    return { cookie, claims, answer };
  }

  /** A request for a resource. @param session undefined if the client has none yet */
  async get(session: Session | undefined, client: string, id: ResourceId): Promise<Answer> {
    const started = performance.now();
    const path = [id.repository, id.type, id.tag];
    if (session !== undefined) {
      this.#write("INFO", "kbs::attestation::backend", `Cookie ${session.cookie} request to get resource`);
    }
    const claims = session?.claims;
    const verdict = claims === undefined ? { problem: tokenNotFound } : await this.#judge(claims, path);
    // No await from here on, so that an error and its answer are adjacent in the log.
    const answer = this.#answer(verdict, path);
    const request = `GET /kbs/v0/resource/${path.join("/")}`;
    this.#access(client, request, answer, sizeOf(answer), performance.now() - started);
    return answer;
  }

  async #judge(claims: unknown, path: readonly string[]): Promise<Verdict> {
    const { opa, generation } = this.#options;
    const { policy: file } = kbsPaths[generation];
    const policy = this.#files.has(`${file}/`) ? "folder" : this.#files.get(file);
    return askPolicy({ version: this.#version, opa, policy, claims, path });
  }

  #answer({ problem, warning, printed }: Verdict, path: readonly string[]): Answer {
    if (warning !== undefined) this.#write("WARN", "kbs::api_server", warning);
    if (printed !== undefined) this.#print(printed.split("\n"));
    if (problem !== undefined) return this.#refuse(problem);
    const { repository } = kbsPaths[this.#options.generation];
    const [first, ...rest] = path;
    const resource = first === "default" ? this.#files.get(`${repository}/${rest.join("/")}`) : undefined;
    if (resource !== undefined) return { status: 200, body: resource };
    return this.#refuse(
      pluginInternalError(
        this.#version === "v0.21"
          ? `resource not found: ${path.join("/")}`
          : "read resource from local fs\n\nCaused by:\n    No such file or directory (os error 2)",
      ),
    );
  }

  #refuse(problem: KbsProblem): Answer {
    this.#write("ERROR", "kbs::error", problem.debug);
    return errorAnswer(problem);
  }

  /** The appraisal by the attestation policy, or the problem if a reference value cannot be read. */
  #appraise(evidence: Evidence): Appraisal | KbsProblem {
    const { generation } = this.#options;
    const { referenceValues } = kbsPaths[generation];
    const text = this.#files.get(referenceValues)?.toString("utf8") ?? (generation === "0.18" ? "[]" : "{}");
    let asked = "";
    try {
      return appraise(evidence, this.#attestationPolicy, (name) => {
        asked = name;
        const found = referenceValue(generation, text, name);
        if (found === undefined) this.#warnOfMissing(name);
        return found ?? null;
      });
    } catch (error) {
      return attestationError(this.#failedQuery(asked, error instanceof Error ? error.message : "unknown"));
    }
  }

  get #attestationPolicy(): string {
    const { attestationPolicy } = kbsPaths[this.#options.generation];
    return this.#files.get(attestationPolicy)?.toString("utf8") ?? "";
  }

  #warnOfMissing(name: string): void {
    const [module, span] =
      this.#version === "v0.21"
        ? ["attestation_service::ear_token::broker", "Regorus"]
        : ["attestation_service::policy_engine::opa", "OPA{policy_id=default_cpu}"];
    const text = `No reference value found for the given id: ${name}, use NULL as the returned value`;
    this.#write("WARN", module, text, span);
  }

  /**
   * The causes of a failed attestation in anyhow's format, with the position of the query in the attestation
   * policy.
   */
  #failedQuery(name: string, why: string): string {
    const query = `query_reference_value("${name}")`;
    const lines = this.#attestationPolicy.split("\n");
    const row = lines.findIndex((line) => line.includes(query)) + 1;
    const source = lines[row - 1] ?? "";
    const before = source.slice(0, source.indexOf(query) + "query_reference_value".length);
    // The engine counts a tab as four columns.
    const col = before.replaceAll("\t", "    ").length + 1;
    const message = `Get Reference Value from RVPS failed: ${why}`;
    const file = this.#version === "v0.21" ? "" : "default_cpu";
    const where = located(file, "error", { row, col, source, message }).replaceAll("\n", "\n       ");
    return this.#version === "v0.21"
      ? `    0: Failed to eval policy: ${where}\n       \n`
      : `    0: Failed to evaluate policy \`default_cpu\`\n    1: ${where}`;
  }

  #access(client: string, request: string, { status }: Answer, size: number, milliseconds: number): void {
    const seconds = (milliseconds / 1000).toFixed(6);
    const agent = `"-" "attestation-agent-kbs-client/0.1.0"`;
    this.#write(
      "INFO",
      "actix_web::middleware::logger",
      `${client} "${request} HTTP/1.1" ${status} ${size} ${agent} ${seconds}`,
    );
  }

  #write(level: Level, module: string, message: string, span?: string): void {
    this.#print(logLines(this.#version, new Date(), level, module, message, span));
  }

  #print(texts: readonly string[]): void {
    const time = new Date();
    for (const text of texts) {
      this.lines.push({ time, text });
      this.events.emit("line", { time, text });
    }
    this.lines.splice(0, this.lines.length - LOG_LINES);
    appendFileSync(this.#options.logFile, `${texts.join("\n")}\n`, { mode: 0o600 });
  }
}
