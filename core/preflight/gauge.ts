/** How full something with a limit is. */
export interface Gauge {
  /** Bytes. */
  readonly used: number;
  /** Bytes. */
  readonly limit: number;
  /** Rounded up: 100 means that the limit is reached. */
  readonly percent: number;
}

/** Gauges from this percentage on are reported. */
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

/** `8,412 of 65,536 bytes (13 %)`, independent of the locale. */
export function gaugeText({ used, limit, percent }: Gauge): string {
  return `${grouped(used)} of ${grouped(limit)} bytes (${percent} %)`;
}

export function grouped(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** The fullest of several gauges; the first of equally full ones. */
export function fullest<T extends Gauge>(gauges: readonly T[]): T | undefined {
  return gauges.reduce<T | undefined>(
    (most, one) => (most === undefined || one.used > most.used ? one : most),
    undefined,
  );
}
