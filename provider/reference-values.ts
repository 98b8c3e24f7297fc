import { z } from "zod";
import { readDocument } from "../core/reference-values/document.ts";
import {
  readLedgers,
  REFERENCE_VALUES_LEDGER_ANNOTATION,
  writeLedgers,
  EMPTY_LEDGER,
  type Digests,
  type Ledger,
} from "../core/reference-values/ledger.ts";
import {
  carriedOver,
  joinReferenceValues,
  leaveReferenceValues,
  type Joined,
  type Ownership,
} from "../core/reference-values/merge.ts";
import type { Before } from "../core/policy/registry.ts";
import { equalValues, unknown, type PropertyMap } from "../protocol/index.ts";
import { changeObject, revisionAfter } from "./change.ts";
import {
  configMapPatch,
  configMapRef,
  configMapTarget,
  staying,
  contentOf,
  keyReadNow,
  keyToWrite,
  movedMessage,
  readConfigMap,
  writableConfigMap,
  type ConfigMap,
} from "./config-map.ts";
import { NO_DRIFT, type Operation, type ResourceType } from "./resource.ts";

const DAY = 86_400_000;
/** Entries are renewed, and expiry is warned of, this many days before. */
const NOTICE_DAYS = 30;

const digests = z.record(
  z.string().min(1),
  z.array(z.string().regex(/^([0-9a-f]{2})+$/, "a digest in lower-case hex")),
);

const inputs = z.object({
  namespace: z.string().min(1),
  configMap: z.string().min(1),
  candidateKeys: z.array(z.string().min(1)).min(1),
  digests,
  validityDays: z.number().int().min(1).max(36_500),
});
type Inputs = z.output<typeof inputs>;

const expirations = z.record(z.string(), z.string());

const computed = z.object({
  key: z.string(),
  /** What entries that are created here expire at; fixed at the first write, renewed before it passes. */
  expiration: z.string(),
  added: digests,
  created: expirations,
  before: z.string().nullable(),
  liveContent: z.string().nullable(),
  /** Entry -> when it expires, for those with digests of ours; of several entries of a name the earliest. */
  expiries: expirations,
  revision: z.string(),
});
type Computed = z.output<typeof computed>;
interface Old {
  readonly inputs: Inputs;
  readonly computed: Computed;
}

/** `%Y-%m-%dT%H:%M:%SZ`, in whole seconds. */
function stamp(time: number): string {
  return `${new Date(time).toISOString().slice(0, 19)}Z`;
}

/** How long before its expiry an entry of ours is renewed: never so early that it would be at every run. Milliseconds. */
function notice(validityDays: number): number {
  return Math.min(NOTICE_DAYS, validityDays / 2) * DAY;
}

/** The expiration for entries of ours: the one from before, unless it is about to pass or another validity is wanted. */
function expirationFor(want: Inputs, old: Old | undefined, now: Date): string {
  const renewed = stamp(now.getTime() + want.validityDays * DAY);
  if (old?.inputs.validityDays !== want.validityDays) return renewed;
  const left = Date.parse(old.computed.expiration) - now.getTime();
  return left < notice(want.validityDays) ? renewed : old.computed.expiration;
}

function ownershipOf({ added, created, before }: Computed): Ownership {
  return { added, created, before };
}

function expiriesOf(key: string, content: Before, wanted: Digests): Record<string, string> {
  const { entries } = readDocument(key, content);
  const used = Object.keys(wanted).filter((name) => (wanted[name] ?? []).length > 0);
  return Object.fromEntries(
    used.flatMap((name): [string, string][] => {
      const [first] = entries
        .filter((entry) => entry.name === name)
        .map((entry) => entry.expiration)
        .sort();
      return first === undefined ? [] : [[name, first]];
    }),
  );
}

function warnOfExpiry(operation: Operation, want: Inputs, expiries: Readonly<Record<string, string>>): void {
  const now = operation.now().getTime();
  for (const [name, expiration] of Object.entries(expiries)) {
    const left = Date.parse(expiration) - now;
    const place = `The reference value "${name}" in ConfigMap "${want.configMap}"`;
    const renew =
      "This stack did not create it, so it does not renew it: set a later expiration there by hand.";
    if (Number.isNaN(left)) {
      operation.log.warn(`${place} has an expiration that is no time, so it matches nothing.`);
    } else if (left <= 0) {
      operation.log.warn(
        `${place} has expired (${expiration}): it matches nothing, no pod attests. ${renew}`,
      );
    } else if (left < NOTICE_DAYS * DAY) {
      operation.log.warn(`${place} expires in ${Math.floor(left / DAY)} days (${expiration}). ${renew}`);
    }
  }
}

/** The ConfigMap as it is to be: the data that changes, and the ledgers beside it. */
interface Outcome {
  readonly key: string;
  readonly joined: Joined;
  readonly patch: Readonly<Record<string, unknown>> | undefined;
}

type Ledgers = Readonly<Record<string, Ledger>>;

/** The patch for new data and ledgers; none if nothing of them changes. */
function patchOf(map: ConfigMap, data: Readonly<Record<string, Before>>, ledgers: Ledgers): Outcome["patch"] {
  return configMapPatch(map, data, {
    name: REFERENCE_VALUES_LEDGER_ANNOTATION,
    value: writeLedgers(ledgers),
  });
}

function ledgersOf(map: ConfigMap): Ledgers {
  return readLedgers(map.annotations[REFERENCE_VALUES_LEDGER_ANNOTATION]);
}

/** What is left of a key when this resource withdraws from it. */
function leave(
  map: ConfigMap,
  ledgers: Ledgers,
  { computed: state }: Old,
  owner: string,
): { content: Before; ledgers: Ledgers } {
  const { key } = state;
  const live = contentOf(map, key);
  const ledger = ledgers[key] ?? EMPTY_LEDGER;
  if (live === null) {
    const { [owner]: _, ...owners } = ledger.owners;
    return { content: null, ledgers: { ...ledgers, [key]: { ...ledger, owners } } };
  }
  const left = leaveReferenceValues({ key, live, ledger, owner, remembered: ownershipOf(state) });
  return { content: left.content, ledgers: { ...ledgers, [key]: left.ledger } };
}

/** What our state says of a key; of one that is new to us, what was carried over from the former one. */
function rememberedFor(key: string, live: Before, old: Old | undefined): Ownership | undefined {
  if (old === undefined) return undefined;
  const had = ownershipOf(old.computed);
  return old.computed.key === key ? had : carriedOver(key, live, had);
}

/** What is to be written where; also takes our digests out of the former key where the generation has changed. */
function mergeInto(
  map: ConfigMap,
  key: string,
  want: Inputs,
  old: Old | undefined,
  { owner, now }: Pick<Operation, "owner" | "now">,
): Outcome {
  const same = old?.computed.key === key ? old : undefined;
  const renewBefore = stamp(now().getTime() + notice(want.validityDays));
  const otherValidity = old !== undefined && old.inputs.validityDays !== want.validityDays;
  const joined = joinReferenceValues({
    key,
    live: contentOf(map, key),
    ledger: ledgersOf(map)[key] ?? EMPTY_LEDGER,
    owner,
    wanted: want.digests,
    expiration: expirationFor(want, same, now()),
    renewBefore: otherValidity ? "9999" : renewBefore,
    remembered: rememberedFor(key, contentOf(map, key), old),
  });
  const ledgers = { ...ledgersOf(map), [key]: joined.ledger };
  if (old === undefined || same !== undefined) {
    return { key, joined, patch: patchOf(map, { [key]: joined.content }, ledgers) };
  }
  const left = leave(map, ledgers, old, owner);
  const data = { [key]: joined.content, [old.computed.key]: left.content };
  return { key, joined, patch: patchOf(map, data, left.ledgers) };
}

async function write(want: Inputs, old: Old | undefined, operation: Operation): Promise<PropertyMap> {
  const ref = configMapRef(want.namespace, want.configMap);
  const target = configMapTarget(
    ref,
    [...want.candidateKeys, old?.computed.key],
    REFERENCE_VALUES_LEDGER_ANNOTATION,
  );
  const changed = await changeObject(operation, target, (object) => {
    const map = writableConfigMap(object, ref);
    const key = keyToWrite(map, ref, want.candidateKeys, old?.computed.key);
    const result = mergeInto(map, key, want, old, operation);
    return { patch: result.patch, result };
  });
  const { key, joined } = changed.result;
  if (old !== undefined && old.computed.key !== key) {
    operation.log.info(movedMessage(ref, old.computed.key, key));
  }
  const { added, created, before } = joined.ownership;
  const expiries = expiriesOf(key, joined.content, want.digests);
  warnOfExpiry(operation, want, expiries);
  const first = old === undefined && operation.preview;
  const dated = first && Object.keys(created).length > 0;
  const same = old?.computed.key === key ? old : undefined;
  return {
    key,
    expiration: first ? unknown : expirationFor(want, same, operation.now()),
    added: { ...added },
    created: dated ? unknown : { ...created },
    before,
    liveContent: dated ? unknown : joined.content,
    expiries: dated ? unknown : expiries,
    revision: revisionAfter(
      changed,
      sameDigests(same, want) ? same?.computed.revision : undefined,
      operation,
    ),
  };
}

function sameDigests(old: Old | undefined, want: Inputs): boolean {
  return old !== undefined && equalValues(old.inputs.digests, want.digests);
}

function driftOf(want: Inputs, state: Computed, map: ConfigMap, operation: Operation): string {
  const present = keyReadNow(map, want.candidateKeys, state.key);
  if (present !== undefined && present !== state.key) {
    return `Trustee now reads the key ${present} instead of ${state.key}`;
  }
  const live = contentOf(map, state.key);
  const old = { inputs: want, computed: state };
  const { patch, joined } = mergeInto(map, state.key, want, old, operation);
  if (patch === undefined) return NO_DRIFT;
  const missing = missingDigests(state.key, live, want.digests);
  if (missing.length > 0) return `missing: ${missing.join(", ")}`;
  const renewed = Object.keys(joined.ownership.created).filter(
    (name) => joined.ownership.created[name] !== state.created[name],
  );
  if (renewed.length > 0) return `expires soon: ${renewed.join(", ")}`;
  return joined.content === live
    ? "the record of what is ours was removed"
    : "a digest of ours stands there twice, or an entry of ours has another expiration";
}

function missingDigests(key: string, live: Before, wanted: Digests): string[] {
  const { entries } = readDocument(key, live);
  return Object.entries(wanted).flatMap(([name, list]) => {
    const found = entries.filter((entry) => entry.name === name);
    if (found.length === 0 && list.length > 0) return [`the entry ${name}`];
    return list
      .filter((digest) => !found.every((entry) => entry.values.includes(digest)))
      .map((digest) => `${digest.slice(0, 12)}... in ${name}`);
  });
}

/** Own digests inside named RVPS entries. */
export const referenceValues: ResourceType<Inputs, Computed> = {
  inputs,
  computed,
  replaceOn: ["namespace", "configMap"],
  derived: [],
  drifts: true,
  id: ({ namespace, configMap, candidateKeys }) => `${namespace}/${configMap}/${candidateKeys[0] ?? ""}`,

  create: (want, operation) => write(want, undefined, operation),

  read: async (want, state, operation) => {
    const object = await operation.kube.get(configMapRef(want.namespace, want.configMap));
    if (object === undefined) return undefined;
    const map = readConfigMap(object);
    const live = contentOf(map, state.key);
    const expiries = expiriesOf(state.key, live, want.digests);
    const drift = driftOf(want, state, map, operation);
    if (drift === NO_DRIFT) warnOfExpiry(operation, want, expiries);
    return { computed: { ...state, liveContent: live, expiries }, drift };
  },

  update: write,

  delete: async (had, state, operation) => {
    const ref = configMapRef(had.namespace, had.configMap);
    await changeObject(
      operation,
      configMapTarget(ref, [state.key], REFERENCE_VALUES_LEDGER_ANNOTATION),
      (live) => {
        const object = staying(live);
        if (object === undefined) return { patch: undefined, result: undefined };
        const map = readConfigMap(object);
        const left = leave(map, ledgersOf(map), { inputs: had, computed: state }, operation.owner);
        const patch = patchOf(map, { [state.key]: left.content }, left.ledgers);
        if (patch !== undefined) writableConfigMap(object, ref);
        return { patch, result: undefined };
      },
    );
  },
};
