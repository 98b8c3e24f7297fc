import { createHash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { affirmingToken } from "../../core/access/token.ts";
import { joinPolicy } from "../../core/policy/share.ts";
import { median } from "./measure.ts";

/** OPA's measurements of one policy for one number of pods: medians in microseconds. */
export interface PolicyResult {
  readonly pods: number;
  readonly style: "table" | "rule per pod";
  /** One evaluation of the prepared policy. */
  readonly evaluate: number;
  /** Parsing and compiling the text. Trustee does this when it loads the policy. */
  readonly load: number;
  readonly bytes: number;
}

/** A fake digest for each pod. */
function claims(pods: number): readonly string[] {
  return Array.from({ length: pods }, (_, index) =>
    createHash("sha256").update(`pod ${index}`).digest("hex"),
  );
}

/** One secret for each pod, as in the tutorial, in this project's policy. */
function tablePolicy(pods: number): string {
  const secrets = Object.fromEntries(
    claims(pods).map((claim, index) => [
      `secret-${index}`,
      { "*": { "azure-vtpm": { [claim]: `pod-${index}` } } },
    ]),
  );
  return joinPolicy(null, { stack: "organization/trustee-access/bench", others: "affirming", secrets });
}

/** The same access in the tutorial's style: a variable, a path test and a rule for each pod. */
function rulePerPodPolicy(pods: number): string {
  const all = claims(pods).map((claim, index) => ({ claim, index }));
  const status = `input["submods"]["cpu0"]["ear.status"] == "affirming"`;
  const measured = `input["submods"]["cpu0"]["ear.veraison.annotated-evidence"]["init_data"]`;
  return [
    `package policy\nimport future.keywords.if\ndefault allow = false`,
    ...all.map(({ claim, index }) => `init_data_pod${index} := "${claim}"`),
    `path := split(data["resource-path"], "/")`,
    ...all.map(({ index }) => `is_p${index} {\n  count(path) > 2\n  path[2] == "secret-${index}"\n}`),
    ...all.map(
      ({ index }) => `allow if {\n  is_p${index}\n  ${status}\n  ${measured} == init_data_pod${index}\n}`,
    ),
    `allow if {\n${all.map(({ index }) => `  not is_p${index}`).join("\n")}\n  ${status}\n}\n`,
  ].join("\n");
}

interface OpaBench {
  readonly N: number;
  readonly T: number;
}

interface OpaMetrics {
  readonly result?: readonly { readonly expressions: readonly { readonly value: unknown }[] }[];
  readonly metrics: Readonly<Record<string, number>>;
}

/**
 * Measures a request of the last pod for its own secret: evaluation with `opa bench`, loading with `opa eval
 * --metrics`.
 * @throws Error if the policy denies the request, because the measurement would then be of a broken policy
 */
async function measure(
  environment: Readonly<Record<string, string>>,
  folder: string,
  style: PolicyResult["style"],
  pods: number,
  runs: number,
): Promise<PolicyResult> {
  const text = style === "table" ? tablePolicy(pods) : rulePerPodPolicy(pods);
  const last = pods - 1;
  const files = {
    policy: join(folder, "policy.rego"),
    data: join(folder, "data.json"),
    input: join(folder, "input.json"),
  };
  const asked = { "resource-path": `resource/default/secret-${last}/key`, plugin: "resource" };
  await writeFile(files.policy, text);
  await writeFile(files.data, JSON.stringify(asked));
  await writeFile(files.input, JSON.stringify(affirmingToken(claims(pods)[last] ?? "")));
  const args = ["--v0-compatible", "--format=json", "-d", files.policy, "-d", files.data, "-i", files.input];
  const opa = async (command: readonly string[]): Promise<unknown> =>
    JSON.parse((await execa("opa", [...command, ...args, "data.policy.allow"], { env: environment })).stdout);
  const loads: number[] = [];
  const evaluations: number[] = [];
  for (let run = 0; run < runs; run++) {
    const { result, metrics } = (await opa(["eval", "--metrics"])) as OpaMetrics;
    if (result?.[0]?.expressions[0]?.value !== true)
      throw new Error(`the policy with a ${style} denies its own pod`);
    const {
      timer_rego_load_files_ns = 0,
      timer_rego_module_parse_ns = 0,
      timer_rego_module_compile_ns = 0,
    } = metrics;
    loads.push(
      (Math.max(timer_rego_load_files_ns, timer_rego_module_parse_ns) + timer_rego_module_compile_ns) / 1000,
    );
    const { N, T } = (await opa(["bench", "--benchmem=false"])) as OpaBench;
    evaluations.push(T / N / 1000);
  }
  return { pods, style, evaluate: median(evaluations), load: median(loads), bytes: Buffer.byteLength(text) };
}

/** @param environment with `opa` on PATH */
export async function benchPolicy(
  environment: Readonly<Record<string, string>>,
  pods: number,
  runs: number,
): Promise<readonly PolicyResult[]> {
  const folder = await mkdtemp(join(tmpdir(), "trustee-access-bench-"));
  try {
    const table = await measure(environment, folder, "table", pods, runs);
    return [table, await measure(environment, folder, "rule per pod", pods, runs)];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
