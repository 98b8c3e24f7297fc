import { byName, isRecord, own, parseJson } from "../records.ts";

/** Secret -> the owners of ours (resource URNs) that want it in the list, for the names that this project put there. */
type SecretLedger = Readonly<Record<string, readonly string[]>>;

/** `spec.kbsSecretResources` of a KbsConfig with our own record of what in it is ours. */
export interface SecretResources {
  readonly entries: readonly string[];
  readonly ledger: SecretLedger;
}

/** The annotation that holds the ledger, JSON. Written together with the list, so that neither is ever without the other. */
export const SECRET_LEDGER_ANNOTATION = "trustee-access/kbs-secret-resources";

/**
 * The list as the CRD has it: absent, null and empty are the same.
 * @throws TypeError if it is something else than a list of strings
 */
export function readEntries(list: unknown): readonly string[] {
  if (list === undefined || list === null) return [];
  if (!Array.isArray(list)) throw new TypeError("spec.kbsSecretResources is not a list");
  return list.map((entry: unknown) => {
    if (typeof entry !== "string") throw new TypeError("spec.kbsSecretResources holds what is not a name");
    return entry;
  });
}

/** The ledger in an annotation; one that was damaged by hand counts as none, then the states of the stacks remember. */
export function readLedger(annotation: string | undefined): SecretLedger {
  const ledger = parseJson(annotation ?? "{}");
  if (!isRecord(ledger)) return {};
  const sound = Object.values(ledger).every(
    (owners) => Array.isArray(owners) && owners.every((owner) => typeof owner === "string"),
  );
  return sound ? (ledger as SecretLedger) : {};
}

/** The annotation for a ledger; `null` (remove it) for an empty one. */
export function writeLedger(ledger: SecretLedger): string | null {
  const sorted = Object.entries(ledger).sort(byName);
  return sorted.length === 0 ? null : JSON.stringify(Object.fromEntries(sorted));
}

/** The ledger with an owner under the name that it has now. @param was whether one is this owner by a previous name */
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
 * The list with `secret` in it: appended if it is missing, otherwise as it is, never reordered or doubled.
 * @param owner who wants it
 * @param remembered what the owner's state says of it; `undefined` on its first write. A name that was there before us
 *   (`false`) and was taken out by hand comes back, and stays when we go.
 * @returns `added`: whether it is ours to take out again
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

/** The list without `secret`, if this project put it there and no other owner of ours wants it. */
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
 * The list without whatever of these names one project's stack has put there, and no other of ours wants: before the stack's
 * resources do it, since their restriction goes first otherwise.
 * @param isOurs whether an owner in the ledger is one of that stack
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
