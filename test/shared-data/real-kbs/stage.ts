import { stripVTControlCharacters } from "node:util";
import type { Generation } from "../../../core/trustee/generation.ts";
import type { Answer } from "../../../sandbox/trustee/standin/kbs-answer.ts";
import { Kbs, kbsPaths, type Session } from "../../../sandbox/trustee/standin/kbs.ts";
import { referenceValue } from "../../../sandbox/trustee/standin/reference-values.ts";
import type { KbsVersion } from "../../../sandbox/trustee/standin/token.ts";
import { filesOf, generationOf } from "./inputs.ts";
import { excerpt } from "./recording.ts";
import type { Scenario } from "./scenarios.ts";

/** The digests of two pods' initdata in the sample TEE's format. */
const initData = {
  pod1: Buffer.alloc(32, 1).toString("base64"),
  pod3: Buffer.alloc(32, 3).toString("base64"),
} as const;

const CLIENT = "127.0.0.1";

/** The recorder's format of an error: the last part of its type, and its text. */
function errorLine({ status, body }: Answer): string {
  const text = body.toString("utf8");
  if (status === 200) return `${status} ${text}`;
  const { type, detail } = JSON.parse(text) as { readonly type: string; readonly detail: string };
  return `${status} ${type.split("/").at(-1) ?? ""}: ${detail}`;
}

function attested({ answer }: Session): string {
  if (answer.status !== 200) return errorLine(answer);
  const { submods } = JSON.parse(answer.body.toString("utf8")) as {
    readonly submods: { readonly cpu0: Readonly<Record<string, unknown>> };
  };
  const { cpu0 } = submods;
  return `200 ${String(cpu0["ear.status"])} ${JSON.stringify(cpu0["ear.trustworthiness-vector"])}`;
}

/** A stand-in KBS with the files of a scenario. Its requests and records are like the recorder's. */
export class Stage {
  readonly #kbs: Kbs;
  readonly #files: Map<string, Buffer>;
  readonly #generation: Generation;
  #session: Session | undefined;
  #read = 0;

  private constructor(kbs: Kbs, files: Map<string, Buffer>, generation: Generation) {
    this.#kbs = kbs;
    this.#files = files;
    this.#generation = generation;
  }

  /** Runs a scenario. @returns the recorder's output */
  static async play(
    version: KbsVersion,
    scenario: Scenario,
    options: {
      readonly opa: string;
      readonly logFile: string;
      readonly digests: readonly string[] | undefined;
    },
  ): Promise<{ readonly text: string; readonly log: readonly string[] }> {
    const { opa, logFile, digests } = options;
    const generation = generationOf(version);
    const files = filesOf(version, initData.pod1, digests);
    scenario.change?.(files, generation);
    const ended = Kbs.startProblem(files, generation);
    if (ended !== undefined) return { text: ended, log: [] };
    const resourcePath = version === "v0.16" ? "string" : "array";
    const kbs = new Kbs(files, { generation, resourcePath, opa, logFile });
    const stage = new Stage(kbs, files, generation);
    const lines: string[] = [];
    for (const [index, pod] of (scenario.pods ?? (["pod1", "pod3"] as const)).entries()) {
      lines.push(...(await stage.#attestAndAsk(pod)));
      if (index === 0 && scenario.log !== false) lines.push(...stage.#log(9));
    }
    lines.push(...((await scenario.then?.(stage)) ?? []));
    return { text: lines.join("\n"), log: kbs.lines.map((line) => line.text) };
  }

  async #attestAndAsk(pod: "pod1" | "pod3"): Promise<readonly string[]> {
    const session = this.#kbs.attest({ tee: "sample", initData: initData[pod] }, CLIENT);
    this.#session = session;
    const lines = [`${pod}: attest ${attested(session)}`];
    for (const path of ["fraud-dataset/dataset_key", "kbsres1/key1"]) {
      lines.push(`${pod}: ${path} ${errorLine(await this.#get(path))}`);
    }
    return lines;
  }

  async #get(path: string): Promise<Answer> {
    const [type = "", tag = ""] = path.split("/");
    return this.#kbs.get(this.#session, CLIENT, { repository: "default", type, tag });
  }

  /** The new log lines since the last call, limited like the recorder's. */
  #log(limit: number): readonly string[] {
    const lines = this.#kbs.lines.slice(this.#read).map(({ text }) => stripVTControlCharacters(text));
    this.#read = this.#kbs.lines.length;
    return excerpt(lines, limit).map((line) => `    | ${line}`);
  }

  /** Reads reference values like the RVPS for an administrator. */
  referenceValues(...names: readonly string[]): readonly string[] {
    const text = this.#files.get(kbsPaths[this.#generation].referenceValues)?.toString("utf8") ?? "";
    return names.map((name) => {
      const value = referenceValue(this.#generation, text, name);
      return `GET reference-value/${name}: 200 ${JSON.stringify(value)}`;
    });
  }

  /** Requests more resources in the last session. */
  async ask(...paths: readonly string[]): Promise<readonly string[]> {
    const lines: string[] = [];
    this.#read = this.#kbs.lines.length;
    for (const path of paths) lines.push(`default/${path}: ${errorLine(await this.#get(path))}`);
    return [...lines, ...this.#log(4)];
  }

  /** Opens the policy, then removes the reference values, during the last session. */
  async edit(): Promise<readonly string[]> {
    const { policy, referenceValues } = kbsPaths[this.#generation];
    const status = async (): Promise<number> => (await this.#get("fraud-dataset/dataset_key")).status;
    const before = await status();
    this.#files.set(policy, Buffer.from("package policy\nallow := true\n"));
    const after = await status();
    this.#files.set(referenceValues, Buffer.from(this.#generation === "0.18" ? "[]" : "{}"));
    const still = await status();
    const again = attested(this.#kbs.attest({ tee: "sample", initData: initData.pod3 }, CLIENT)).split(
      " ",
    )[1];
    return [
      `before ${before}, after the edit, same session ${after}`,
      `reference values emptied: same session still ${still}; a new attestation is ${again ?? ""}`,
    ];
  }
}
