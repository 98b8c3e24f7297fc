import { DEFAULT_REPOSITORY, type Resource } from "../access/model.ts";
import { own } from "../records.ts";
import type { GuestNeed } from "./guest-needs.ts";

/** The Secrets that a KBS has, as far as known. */
export interface ServedSecrets {
  readonly registered: ReadonlySet<string>;
  /** Registered Secrets that do not exist. @default none */
  readonly missing?: ReadonlySet<string> | undefined;
  /** Secret -> its keys, if they can be read. @default none */
  readonly keys?: Readonly<Record<string, readonly string[]>> | undefined;
}

/** Why a guest does not get a resource that it needs to start. */
export type NeedFlaw =
  /** The URI is invalid. `words` follow it in a sentence. */
  | { readonly kind: "uri"; readonly words: string }
  | { readonly kind: "unregistered" | "missing" | "denied" }
  | { readonly kind: "no key"; readonly keys: readonly string[] };

/**
 * The first problem that a guest's request meets.
 * @param allows whether the resource policy allows this guest; `undefined`: unknown
 */
export function needFlaw(
  { place, flaw }: GuestNeed,
  { registered, missing, keys: keysOf }: ServedSecrets,
  allows: (place: Resource) => boolean | undefined,
): NeedFlaw | undefined {
  if (flaw !== undefined) return { kind: "uri", words: flaw };
  if (place === undefined) return undefined;
  const { repository, secret, key } = place;
  // No operator serves other repositories, so nothing is known about them.
  if (repository === DEFAULT_REPOSITORY) {
    if (!registered.has(secret)) return { kind: "unregistered" };
    if (missing?.has(secret) === true) return { kind: "missing" };
    const keys = own(keysOf, secret);
    if (keys?.includes(key) === false) return { kind: "no key", keys };
  }
  return allows(place) === false ? { kind: "denied" } : undefined;
}
