import { byName, isRecord, own, parseJson } from "../records.ts";
import { UserError } from "../issues.ts";

/** Secret -> the resources (URNs) that want it in the list, for names that this project added. */
type SecretLedger = Readonly<Record<string, readonly string[]>>;

/** `spec.kbsSecretResources` of a KbsConfig, and the ledger of what this project added. */
export interface SecretResources {
  readonly entries: readonly string[];
  readonly ledger: SecretLedger;
}

/** The annotation with the ledger, JSON. It is written together with the list. */
export const SECRET_LEDGER_ANNOTATION = "trustee-access/kbs-secret-resources";

/**
 * Reads the list. Absent, null and empty are the same.
 * @param kbsConfig the metadata of the KbsConfig, for the error
 * @throws UserError if it is not a list of strings
 */
export function readEntries(
  list: unknown,
  { name, namespace = "" }: { readonly name: string; readonly namespace?: string },
): readonly string[] {
  const fail = (problem: string): never => {
    throw new UserError(
      "TA811",
      `spec.kbsSecretResources of KbsConfig "${name}" in namespace "${namespace}" ${problem}. ` +
        `Make it a list of names of Secrets: kubectl edit kbsconfig ${name} -n ${namespace}`,
    );
  };
  if (list === undefined || list === null) return [];
  if (!Array.isArray(list)) return fail("is not a list");
  return list.map((entry: unknown) =>
    typeof entry === "string" ? entry : fail("has an entry that is not a name"),
  );
}

/** Reads the ledger, without what is damaged in it; the stacks' states then supply that. */
export function readLedger(annotation: string | undefined): SecretLedger {
  const ledger = parseJson(annotation ?? "{}");
  if (!isRecord(ledger)) return {};
  const sound = Object.entries(ledger).flatMap(([secret, owners]): [string, readonly string[]][] => {
    const names = Array.isArray(owners) ? owners.filter((owner) => typeof owner === "string") : [];
    return names.length === 0 ? [] : [[secret, names]];
  });
  return Object.fromEntries(sound);
}

/** The annotation for a ledger; `null` (remove it) if it is empty. */
export function writeLedger(ledger: SecretLedger): string | null {
  const sorted = Object.entries(ledger).sort(byName);
  return sorted.length === 0 ? null : JSON.stringify(Object.fromEntries(sorted));
}

/** The secrets in a ledger with such an owner. */
export function ownedSecrets(ledger: SecretLedger, isOwner: (owner: string) => boolean): readonly string[] {
  return Object.entries(ledger).flatMap(([secret, owners]) => (owners.some(isOwner) ? [secret] : []));
}

/** The ledger with an owner's new name. @param was whether a name is this owner's previous one */
export function renameOwner(
  ledger: SecretLedger,
  was: (owner: string) => boolean,
  owner: string,
): SecretLedger {
  const renamed = Object.entries(ledger).map(([secret, owners]): [string, readonly string[]] => [
    secret,
    owners.some(was) ? [...new Set(owners.map((one) => (was(one) ? owner : one)))].sort() : owners,
  ]);
  return Object.fromEntries(renamed);
}

function withOwners(ledger: SecretLedger, secret: string, owners: readonly string[]): SecretLedger {
  const others = Object.entries(ledger).filter(([name]) => name !== secret);
  const own: [string, readonly string[]][] = owners.length === 0 ? [] : [[secret, owners]];
  return Object.fromEntries([...others, ...own]);
}

/**
 * Adds `secret` to the list: appended if missing, otherwise the list is unchanged.
 * @param owner the resource that wants it
 * @param remembered whether this project added it, by the owner's state; `undefined` on its first write. A
 *   foreign name (`false`) that was removed by hand is restored, and stays when we leave.
 * @returns `added`: whether this project may remove it again
 */
export function joinSecret(
  live: SecretResources,
  secret: string,
  owner: string,
  remembered?: boolean,
): SecretResources & { readonly added: boolean } {
  const present = live.entries.includes(secret);
  const owners = own(live.ledger, secret);
  const entries = present ? live.entries : [...live.entries, secret];
  const added = remembered ?? (!present || owners !== undefined);
  if (!added) return { entries, ledger: live.ledger, added };
  const ledger = withOwners(live.ledger, secret, [...new Set([...(owners ?? []), owner])].sort());
  return { entries, ledger, added };
}

/** Removes `secret` from the list, if this project added it and no other owner wants it. */
export function leaveSecret(
  live: SecretResources,
  secret: string,
  owner: string,
  added: boolean,
): SecretResources {
  if (!added) return { entries: live.entries, ledger: live.ledger };
  const owners = (own(live.ledger, secret) ?? []).filter((one) => one !== owner);
  const entries = owners.length > 0 ? live.entries : live.entries.filter((entry) => entry !== secret);
  return { entries, ledger: withOwners(live.ledger, secret, owners) };
}

/**
 * Removes those of these names that one stack added and no other stack wants. It runs before the stack's
 * resources remove them: their restriction would end first.
 * @param isOurs whether an owner in the ledger belongs to that stack
 */
export function withdrawSecrets(
  live: SecretResources,
  secrets: readonly string[],
  isOurs: (owner: string) => boolean,
): SecretResources {
  return secrets.reduce<SecretResources>(
    (resources, secret) =>
      (own(live.ledger, secret) ?? [])
        .filter(isOurs)
        .reduce((left, owner) => leaveSecret(left, secret, owner, true), resources),
    live,
  );
}
