/** How full something is that has a limit. */
export interface Gauge {
  /** Bytes. */
  readonly used: number;
  /** Bytes. */
  readonly limit: number;
  /** Of the limit, rounded up, so that 100 is reached only at the limit. */
  readonly percent: number;
}

/** From here on it is said. */
const WARN_PERCENT = 80;

export function gauge(used: number, limit: number): Gauge {
  return { used, limit, percent: Math.ceil((used / limit) * 100) };
}

export function isOver({ used, limit }: Gauge): boolean {
  return used > limit;
}

export function isNearlyFull(one: Gauge): boolean {
  return !isOver(one) && one.percent >= WARN_PERCENT;
}

/** `8,412 of 65,536 bytes (13 %)`, the same in every locale. */
export function gaugeText({ used, limit, percent }: Gauge): string {
  return `${grouped(used)} of ${grouped(limit)} bytes (${percent} %)`;
}

export function grouped(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** The fullest of several; the first where several are equally full. */
export function fullest<T extends Gauge>(gauges: readonly T[]): T | undefined {
  return gauges.reduce<T | undefined>(
    (most, one) => (most === undefined || one.used > most.used ? one : most),
    undefined,
  );
}
