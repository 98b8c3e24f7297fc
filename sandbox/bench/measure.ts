/** The middle of the sorted values; of an even number of them, the mean of the middle two. NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length / 2;
  const lower = sorted[Math.ceil(half) - 1] ?? NaN;
  const upper = sorted[Math.floor(half)] ?? NaN;
  return (lower + upper) / 2;
}

/** How long some work takes, in milliseconds of wall time. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

/**
 * What some work costs this thread, in milliseconds of CPU time: what else the machine does counts for nothing.
 * @param times how often it is done, for work that is too short for the clock; the result is of one time
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
