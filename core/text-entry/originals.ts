import type { Before } from "../policy/registry.ts";

/** What a key held before a resource of ours first wrote it. */
export interface Original {
  /** The resource's URN. */
  readonly owner: string;
  readonly before: Before;
}

/** ConfigMap key -> its original. */
export type Originals = Readonly<Record<string, Original>>;

/**
 * The annotation that holds the originals, JSON. Written together with the data, so that a run that was killed between
 * its write and the saving of its state can still put them back.
 */
export const ORIGINALS_ANNOTATION = "trustee-access/originals";

/** Annotations reach 256 KiB in all: a longer text is remembered by the state alone. Characters. */
const LONGEST = 65_536;

function isOriginal(value: unknown): value is Original {
  if (typeof value !== "object" || value === null) return false;
  const { owner, before } = value as Readonly<Record<string, unknown>>;
  return typeof owner === "string" && (before === null || typeof before === "string");
}

/** The originals in an annotation; what was damaged by hand counts as none, then the state remembers. */
export function readOriginals(annotation: string | undefined): Originals {
  try {
    const originals: unknown = JSON.parse(annotation ?? "{}");
    if (typeof originals !== "object" || originals === null) return {};
    return Object.fromEntries(
      Object.entries(originals).filter((entry): entry is [string, Original] => isOriginal(entry[1])),
    );
  } catch {
    return {};
  }
}

/** The annotation for the originals; `null` (remove it) where there are none. */
export function writeOriginals(originals: Originals): string | null {
  const kept = Object.entries(originals)
    .filter(([, { before }]) => before === null || before.length <= LONGEST)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return kept.length === 0 ? null : JSON.stringify(Object.fromEntries(kept));
}

/** With a key's original of this owner's. */
export function withOriginal(originals: Originals, key: string, original: Original): Originals {
  return { ...originals, [key]: original };
}

/** Without a key's original, if it is this owner's. */
export function withoutOriginal(originals: Originals, key: string, owner: string): Originals {
  if (originals[key]?.owner !== owner) return originals;
  return Object.fromEntries(Object.entries(originals).filter(([other]) => other !== key));
}
