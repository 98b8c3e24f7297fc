import { given } from "../issues.ts";
import { own } from "../records.ts";
import { isCreated, listed } from "../settings/references.ts";
import type { Settings } from "../settings/settings.ts";

/**
 * A warning for each declared key that an existing Secret does not have: whoever is granted it reads nothing.
 * @param live Secret -> the names of the keys that it has, where it may lack one
 */
export function secretKeyWarnings(
  { secrets, grants }: Pick<Settings, "secrets" | "grants">,
  live: Readonly<Record<string, readonly string[]>> = {},
): readonly string[] {
  return secrets.flatMap((secret, index) => {
    const there = isCreated(secret) ? undefined : own(live, secret.name);
    if (there === undefined) return [];
    return secret.keys.flatMap((key, place) => {
      if (there.includes(key)) return [];
      const granted = grants.flatMap((grant, at) =>
        grant.secret === secret.name && grant.key === key ? [`grants[${at}].key`] : [],
      );
      const also = granted.length === 0 ? "" : ` (and ${granted.join(", ")})`;
      return [
        `secrets[${index}].keys[${place}]: ${given(key)} is no key of the Secret ${given(secret.name)}, which has ${listed(there)}: ` +
          `no pod can read it. Correct it${also}, or add the key to the Secret.`,
      ];
    });
  });
}
