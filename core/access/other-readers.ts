import { NO_HARDWARE } from "../initdata/binding.ts";
import {
  EVERY_KEY,
  previousName,
  listGrants,
  type GrantTable,
  type StackGrants,
  type TableBinding,
} from "../policy/grants.ts";
import { isSameStack } from "../policy/identity.ts";
import { parseRegistry, type Before } from "../policy/registry.ts";
import { shownName } from "../shown.ts";
import { byString, own } from "../records.ts";

/** Another stack's grant on a secret that this stack restricts. */
export interface OtherReader {
  /** The stack with the grant. It may be forged by anybody with write access to the policy. */
  readonly stack: string;
  /** The reader's name in that stack. */
  readonly reader: string;
  readonly secret: string;
  /** One key, or `*` for all keys. */
  readonly key: string;
  /** The claim `init_data`. */
  readonly initData: string;
  /** How its TEE binds initdata. `any`: an older release wrote the line and did not record it. */
  readonly binding: TableBinding;
  /** Whether it is a previous digest, accepted only during the grace period. */
  readonly former: boolean;
}

/** The number of shown digits of a claim. */
const SHOWN_DIGITS = 12;

function readersIn(stack: string, table: GrantTable, former: boolean): readonly OtherReader[] {
  return listGrants(table).map((grant) => ({ stack, former, ...grant }));
}

function isGranted(secrets: GrantTable, { secret, key, initData, binding }: OtherReader): boolean {
  return [EVERY_KEY, key].some(
    (one) => own(own(own(secrets, secret), one)?.[binding], initData) !== undefined,
  );
}

function orderOf({ secret, key, stack, reader, binding, initData }: OtherReader): string {
  return JSON.stringify([secret, key, stack, reader, binding, initData]);
}

/**
 * The readers of secrets that `joining` restricts, by other stacks' grants, previous digests included.
 * Readers that `joining` grants too are left out. Sorted by secret, key, stack and name.
 * @param vanished lines that the live text lost, and that the next write restores
 */
export function otherReaders(
  live: Before,
  joining: StackGrants,
  vanished: readonly StackGrants[] = [],
): readonly OtherReader[] {
  return [...(parseRegistry(live)?.stacks ?? []), ...vanished]
    .filter((line) => line.stack !== joining.stack && !isSameStack(line, joining))
    .flatMap(({ stack, secrets, retiring = {} }) => [
      ...readersIn(stack, secrets, false),
      ...readersIn(stack, retiring, true),
    ])
    .filter((reader) => Object.hasOwn(joining.secrets, reader.secret) && !isGranted(joining.secrets, reader))
    .sort((a, b) => byString(orderOf(a), orderOf(b)));
}

/** The reader's name among pods: `b1 of stack organization/project/stack`. */
export function otherReaderName({ reader, stack, former }: OtherReader): string {
  const name = shownName(reader);
  return `${former ? previousName(name) : name} of stack ${shownName(stack)}`;
}

/** `secret/key`, or `secret/*`. */
export function otherReaderPath({ secret, key }: OtherReader): string {
  return `${shownName(secret)}/${shownName(key)}`;
}

/** The beginning of its claim, enough to compare by eye. */
export function otherReaderClaim({ initData }: OtherReader): string {
  return shownName(initData.slice(0, SHOWN_DIGITS));
}

/** For example `also read by: b1 of stack o/p/s -> p2-secret/* (init_data 280c20205c95)`. */
export function otherReaderLine(other: OtherReader): string {
  const hardware = other.binding === "sample" ? `; ${NO_HARDWARE}` : "";
  return `also read by: ${otherReaderName(other)} -> ${otherReaderPath(other)} (init_data ${otherReaderClaim(other)}${hardware})`;
}
