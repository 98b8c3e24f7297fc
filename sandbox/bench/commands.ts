import type { Sandbox } from "../api.ts";
import { BenchProject } from "./projects.ts";

const commands = {
  preview: ["preview"],
  "first up": ["up", "--yes", "--skip-preview"],
  "no-change preview": ["preview", "--expect-no-changes"],
  "no-change up": ["up", "--yes", "--skip-preview", "--expect-no-changes"],
  destroy: ["destroy", "--yes", "--skip-preview"],
} as const;
type CommandName = keyof typeof commands;
const commandNames = Object.keys(commands) as CommandName[];

/** One command with one number of pods: medians of wall time in milliseconds. */
export interface CommandResult {
  readonly pods: number;
  readonly command: CommandName;
  readonly ours: number;
  readonly bare: number;
  /** The median ratio of paired runs, so that other load on the machine affects both. */
  readonly ratio: number;
}

/** The median; NaN for an empty list. */
function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length / 2;
  const lower = sorted[Math.ceil(half) - 1] ?? NaN;
  const upper = sorted[Math.floor(half)] ?? NaN;
  return (lower + upper) / 2;
}

/** The wall time of some work, in milliseconds. */
async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

/** Runs both programs alternately, command by command, on one sandbox. Each run swaps their order. */
export async function benchCommands(
  sandbox: Sandbox,
  pods: number,
  runs: number,
  say: (what: string) => void,
): Promise<readonly CommandResult[]> {
  const times: Record<CommandName, { readonly ours: number; readonly bare: number }[]> = {
    preview: [],
    "first up": [],
    "no-change preview": [],
    "no-change up": [],
    destroy: [],
  };
  for (let run = 1; run <= runs; run++) {
    const ours = await BenchProject.ours(sandbox, pods);
    const bare = await BenchProject.bare(sandbox, pods);
    try {
      for (const command of commandNames) {
        say(`${pods} pods, run ${run} of ${runs}: ${command}`);
        const took = { ours: 0, bare: 0 };
        const turns = [["ours", ours] as const, ["bare", bare] as const];
        for (const [whose, project] of run % 2 === 1 ? turns : turns.reverse()) {
          took[whose] = await timed(() => project.run(...commands[command]));
        }
        times[command].push(took);
      }
    } finally {
      await ours.dispose();
      await bare.dispose();
    }
  }
  return commandNames.map((command) => ({
    pods,
    command,
    ours: median(times[command].map((one) => one.ours)),
    bare: median(times[command].map((one) => one.bare)),
    ratio: median(times[command].map((one) => one.ours / one.bare)),
  }));
}
