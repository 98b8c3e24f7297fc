import { DEFAULT_REPOSITORY, type Resource } from "../access/model.ts";
import { own } from "../records.ts";
import type { GuestNeed } from "./guest-needs.ts";

/** The Secrets that a KBS has, as far as is known. */
export interface ServedSecrets {
  readonly registered: ReadonlySet<string>;
  /** Those of them that do not exist. @default none */
  readonly missing?: ReadonlySet<string> | undefined;
  /** Secret -> the names of its keys, where they can be seen. @default none */
  readonly keys?: Readonly<Record<string, readonly string[]>> | undefined;
}

/** Why a guest does not get what it needs to start. */
export type NeedFlaw =
  /** Its URI leads nowhere; `words` follow it in a sentence. */
  | { readonly kind: "uri"; readonly words: string }
  | { readonly kind: "unregistered" | "missing" | "denied" }
  | { readonly kind: "no key"; readonly keys: readonly string[] };

/**
 * The first thing that keeps a guest from what it needs, in the order in which a request meets them.
 * @param allows what the resource policy says of this guest; `undefined`: nobody knows
 */
export function needFlaw(
  { place, flaw }: GuestNeed,
  { registered, missing, keys: keysOf }: ServedSecrets,
  allows: (place: Resource) => boolean | undefined,
): NeedFlaw | undefined {
  if (flaw !== undefined) return { kind: "uri", words: flaw };
  if (place === undefined) return undefined;
  const { repository, secret, key } = place;
  // What the KBS has in other repositories, no operator has put there.
  if (repository === DEFAULT_REPOSITORY) {
    if (!registered.has(secret)) return { kind: "unregistered" };
    if (missing?.has(secret) === true) return { kind: "missing" };
    const keys = own(keysOf, secret);
    if (keys?.includes(key) === false) return { kind: "no key", keys };
  }
  return allows(place) === false ? { kind: "denied" } : undefined;
}
