/** Says what a step is doing. A notice is of use after the step too; what is no notice is only so until the next. */
export type Say = (text: string, kind?: "notice") => void;

/**
 * Decides what is shown where every line stays, as in a log: at most one line in each interval, the first one at once.
 * @param interval milliseconds
 * @returns whether to show something `now`, in milliseconds of any clock that does not run backwards
 */
export function atMostEvery(interval: number): (now: number) => boolean {
  let next = Number.NEGATIVE_INFINITY;
  return (now) => {
    if (now < next) return false;
    next = now + interval;
    return true;
  };
}
