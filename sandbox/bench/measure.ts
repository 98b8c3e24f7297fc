/** The median; NaN for an empty list. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length / 2;
  const lower = sorted[Math.ceil(half) - 1] ?? NaN;
  const upper = sorted[Math.floor(half)] ?? NaN;
  return (lower + upper) / 2;
}

/** The wall time of some work, in milliseconds. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

/**
 * The CPU time of some work on this thread, in milliseconds. It does not depend on other load.
 * @param times how often to run work that is too short for the clock; the result is the time of one run
 */
export function cost<Result>(
  times: number,
  work: () => Result,
): readonly [result: Result, milliseconds: number] {
  const before = process.threadCpuUsage();
  let result = work();
  for (let time = 1; time < times; time++) result = work();
  const { user, system } = process.threadCpuUsage(before);
  return [result, (user + system) / 1000 / times];
}
