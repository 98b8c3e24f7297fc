import { readDocument } from "../../../../core/reference-values/document.ts";
import {
  EMPTY_LEDGER,
  readLedgers,
  unionOf,
  writeLedgers,
  type Digests,
  type Ledger,
} from "../../../../core/reference-values/ledger.ts";
import {
  joinReferenceValues,
  leaveReferenceValues,
  type Joined,
  type JoinRequest,
  type Ownership,
} from "../../../../core/reference-values/merge.ts";
import { paddedBase64url as encode } from "../../../support/base64url.ts";
import { markRetiring, retireDigests } from "../../../../core/reference-values/retiring.ts";

export { encode };
export const LIST = "reference-values.json";
export const MAP = "reference_value";
export const EXPIRATION = "2027-11-23T00:00:00Z";

/** A ConfigMap's key with its ledger, and the states of the stacks. */
export interface World {
  readonly key: string;
  readonly content: string | null;
  readonly ledger: Ledger;
  readonly states: Readonly<Record<string, Ownership>>;
}

/** Through the annotation and back, as in the cluster. */
export const stored = (ledger: Ledger): Ledger =>
  readLedgers(writeLedgers({ key: ledger }) ?? undefined)["key"] ?? EMPTY_LEDGER;

export interface JoinOptions {
  readonly retiring?: Digests;
  readonly expiration?: string;
  readonly renewBefore?: string;
}

export function join(world: World, owner: string, wanted: Digests, options: JoinOptions = {}): World {
  const { key, content, states } = world;
  const { retiring = {}, expiration = EXPIRATION, renewBefore = "" } = options;
  const all = unionOf(wanted, retiring);
  const joined = joinReferenceValues({
    key,
    live: content,
    ledger: world.ledger,
    owner,
    wanted: all,
    terms: Object.fromEntries(Object.keys(all).map((name) => [name, { expiration, renewBefore }])),
    remembered: states[owner],
  });
  return {
    key,
    content: joined.content,
    ledger: stored(markRetiring(joined.ledger, owner, retiring)),
    states: { ...states, [owner]: joined.ownership },
  };
}

/** A request to join a list for one entry. */
export const request = (
  live: string | null,
  digests: readonly string[],
  more: Partial<JoinRequest> = {},
): JoinRequest => ({
  key: LIST,
  live,
  ledger: EMPTY_LEDGER,
  owner: "a",
  wanted: { snp_pcr08: digests },
  terms: { snp_pcr08: { expiration: EXPIRATION, renewBefore: "" } },
  ...more,
});

/** What is left after an owner has left. @param live @default what it joined */
export const left = (
  { content, ledger, ownership }: Joined,
  more: Partial<Parameters<typeof leaveReferenceValues>[0]> = {},
): ReturnType<typeof leaveReferenceValues> =>
  leaveReferenceValues({
    ...{ key: LIST, live: content ?? "", ledger, owner: "a", remembered: ownership },
    ...more,
  });

/** The end of a rotation. */
export function retire(world: World, owner: string): World {
  const { content, ledger } = retireDigests(world.key, world.content, world.ledger, owner);
  return { ...world, content, ledger: stored(ledger) };
}

export function leave(world: World, owner: string): World {
  const { key, content, ledger } = world;
  const { [owner]: remembered, ...states } = world.states;
  if (remembered === undefined) throw new Error(`${owner} has not joined`);
  if (content === null) return { key, content, ledger, states };
  const left = leaveReferenceValues({ key, live: content, ledger, owner, remembered });
  return { key, content: left.content, ledger: stored(left.ledger), states };
}

/** An entry's JSON. Foreign ones have a note that we never read. */
export interface Fields {
  readonly name: string;
  readonly expiration: string;
  readonly value: readonly string[];
  readonly note?: string;
}

export const fieldsIn = ({ key, content }: Pick<World, "key" | "content">): Fields[] =>
  readDocument(key, content).entries.map((entry) => JSON.parse(entry.json) as Fields);

/** Entries as another client writes them. */
export function written(key: string, entries: readonly Fields[], indent: number): string {
  if (key === LIST) return JSON.stringify(entries, null, indent);
  const encoded = entries.map((entry) => [entry.name, encode(JSON.stringify(entry))]);
  return JSON.stringify(Object.fromEntries(encoded), null, indent);
}
