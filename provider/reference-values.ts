import { z } from "zod";
import { readDocument } from "../core/reference-values/document.ts";
import {
  joinReferenceValues,
  leaveReferenceValues,
  type Digests,
  type Merged,
  type Ownership,
} from "../core/reference-values/merge.ts";
import type { Before } from "../core/policy/registry.ts";
import { liveKey } from "../core/trustee/generation.ts";
import { unknown, type PropertyMap } from "../protocol/index.ts";
import { changeObject } from "./change.ts";
import {
  configMapRef,
  contentOf,
  keyToWrite,
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

interface Written extends Merged {
  readonly key: string;
  readonly expiration: string;
}

/** What is to be written where; also takes our digests out of the former key where the generation has changed. */
function mergeInto(
  map: ConfigMap,
  key: string,
  want: Inputs,
  old: Old | undefined,
  now: Date,
): { data: Record<string, Before>; written: Written } {
  const live = contentOf(map, key);
  const same = old?.computed.key === key ? old : undefined;
  const expiration = expirationFor(want, same, now);
  const merged = joinReferenceValues(
    key,
    live,
    want.digests,
    expiration,
    same === undefined ? undefined : ownershipOf(same.computed),
  );
  const data: Record<string, Before> = merged.content === live ? {} : { [key]: merged.content };
  if (old !== undefined && same === undefined) {
    const former = contentOf(map, old.computed.key);
    const left =
      former === null ? null : leaveReferenceValues(old.computed.key, former, ownershipOf(old.computed));
    if (left !== former) data[old.computed.key] = left;
  }
  return { data, written: { ...merged, key, expiration } };
}

async function write(want: Inputs, old: Old | undefined, operation: Operation): Promise<PropertyMap> {
  const ref = configMapRef(want.namespace, want.configMap);
  const now = operation.now();
  const { result, wrote, resourceVersion } = await changeObject(operation, ref, (object) => {
    const map = writableConfigMap(object, ref);
    const key = keyToWrite(map, ref, want.candidateKeys, old?.computed.key);
    const { data, written } = mergeInto(map, key, want, old, now);
    return { patch: Object.keys(data).length === 0 ? undefined : { data }, result: written };
  });
  const expiries = expiriesOf(result.key, result.content, want.digests);
  warnOfExpiry(operation, want, expiries);
  const unchanged =
    old?.computed.key === result.key && JSON.stringify(old.inputs.digests) === JSON.stringify(want.digests);
  const revision = wrote
    ? operation.preview
      ? unknown
      : resourceVersion
    : unchanged
      ? old.computed.revision
      : resourceVersion;
  const fresh = old === undefined && operation.preview;
  return {
    key: result.key,
    expiration: fresh ? unknown : result.expiration,
    added: { ...result.ownership.added },
    created: fresh ? unknown : { ...result.ownership.created },
    before: result.ownership.before,
    liveContent: fresh && Object.keys(result.ownership.created).length > 0 ? unknown : result.content,
    expiries: fresh ? unknown : expiries,
    revision,
  };
}

function driftOf(want: Inputs, state: Computed, map: ConfigMap, now: Date): string {
  const present = liveKey(map.data, want.candidateKeys);
  if (present !== undefined && present !== state.key) {
    return `Trustee now reads the key "${present}" instead of "${state.key}"`;
  }
  const live = contentOf(map, state.key);
  const old = { inputs: want, computed: state };
  const { data, written } = mergeInto(map, state.key, want, old, now);
  if (data[state.key] === undefined) return NO_DRIFT;
  if (written.expiration !== state.expiration) return `its entries expire at ${state.expiration}`;
  const missing = missingDigests(state.key, live, want.digests);
  return missing.length > 0
    ? `missing: ${missing.join(", ")}`
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
    const drift = driftOf(want, state, map, operation.now());
    if (drift === NO_DRIFT) warnOfExpiry(operation, want, expiries);
    return { computed: { ...state, liveContent: live, expiries }, drift };
  },

  update: write,

  delete: async (had, state, operation) => {
    const ref = configMapRef(had.namespace, had.configMap);
    await changeObject(operation, ref, (object) => {
      if (object === undefined) return { patch: undefined, result: undefined };
      const live = contentOf(readConfigMap(object), state.key);
      if (live === null) return { patch: undefined, result: undefined };
      const left = leaveReferenceValues(state.key, live, ownershipOf(state));
      if (left === live) return { patch: undefined, result: undefined };
      writableConfigMap(object, ref);
      return { patch: { data: { [state.key]: left } }, result: undefined };
    });
  },
};
