import { z } from "zod";
import { mapValues, own } from "../core/records.ts";
import { isUnfit, readDocument } from "../core/reference-values/document.ts";
import {
  REFERENCE_VALUES_LEDGER_ANNOTATION,
  renameOwner,
  unionOf,
  type Digests,
} from "../core/reference-values/ledger.ts";
import { joinReferenceValues, type Joined } from "../core/reference-values/merge.ts";
import { leftBehind, markRetiring, stillRetiring } from "../core/reference-values/retiring.ts";
import { expiriesOf, termsOf } from "../core/reference-values/validity.ts";
import type { Before } from "../core/policy/registry.ts";
import { siblingKeys } from "../core/trustee/generation.ts";
import { rotationSchema } from "../core/policy/rotation.ts";
import { equalValues, unknown, type PropertyMap } from "./protocol/index.ts";
import { changeObject, overlapAfter, revisionAfter } from "./change.ts";
import { warnOfExpiry } from "./expiry.ts";
import { readersOf, retiringOf, warnOfLeft } from "./previous-digests.ts";
import {
  configMapRef,
  configMapTarget,
  staying,
  contentOf,
  keyReadNow,
  keyToWrite,
  movedMessage,
  ofConfigMap,
  readConfigMap,
  writableConfigMap,
  type ConfigMap,
} from "./config-map.ts";
import {
  ledgerOf,
  ledgersOf,
  leaveKey,
  leaveValues,
  rememberedFor,
  valuesPatch,
  type PlacedValues,
} from "./values-ledgers.ts";
import { NO_DRIFT, type Old as State, type Operation, type ResourceType } from "./resource.ts";

/** Hex, or the 32 bytes of SNP's host data in base64: {@link ../core/initdata/binding.ts} `claimSpellings`. */
const digest = z
  .string()
  .regex(/^(([0-9a-f]{2})+|[A-Za-z0-9+/]{43}=)$/, "a digest in lower-case hex, or 32 bytes in base64");
const digests = z.record(z.string().min(1), z.array(digest));

const days = z.number().int().min(1).max(36_500);

const inputs = z.object({
  namespace: z.string().min(1),
  configMap: z.string().min(1),
  candidateKeys: z.array(z.string().min(1)).min(1),
  digests,
  /** Days until a new entry expires. Expiry revokes nothing. */
  validityDays: days,
  /** Overrides `validityDays` for single entries. */
  validityDaysOf: z.record(z.string(), days).optional(),
  /** Readers whose previous digests stay until {@link ./retirement.ts} removes them. */
  rotation: rotationSchema.optional(),
  /** The stack's identity. */
  identity: z.string().optional(),
});
type Inputs = z.output<typeof inputs>;

const expirations = z.record(z.string(), z.string());

const computed = z.object({
  key: z.string(),
  added: digests,
  /** Previous digests that stay during the grace period. */
  retiring: digests.default({}),
  /** Previous digest -> its reader. */
  retiringReaders: z.record(z.string(), z.string()).default({}),
  created: expirations,
  before: z.string().nullable(),
  liveContent: z.string().nullable(),
  /** Entry with digests of ours -> when it expires; the earliest, if several entries have the same name. */
  expiries: expirations,
  revision: z.string(),
  /** The revision of its last write that kept previous digests, which {@link ./retirement.ts} removes; or empty. */
  overlapRevision: z.string().default(""),
});
type Computed = z.output<typeof computed>;
type Old = State<Inputs, Computed>;

function placedOf({ key, added, created, before }: Computed): PlacedValues {
  return { key, had: { added, created, before } };
}

/** The result of a merge. */
interface Outcome {
  readonly key: string;
  readonly joined: Joined;
  readonly retiring: Digests;
  /** Previous digests that stay for good because they were there before us. */
  readonly left: Digests;
  readonly patch: Readonly<Record<string, unknown>> | undefined;
}

/** The write to make. If Trustee now reads another key, it removes our digests from the previous key too. */
function mergeInto(
  map: ConfigMap,
  key: string,
  want: Inputs,
  old: Old | undefined,
  { owner, wasOwner, clock }: Pick<Operation, "owner" | "wasOwner" | "clock">,
): Outcome {
  const known = mapValues(ledgersOf(map), (ledger) => renameOwner(ledger, wasOwner, owner));
  const placed = old === undefined ? undefined : placedOf(old.computed);
  const ledger = ledgerOf(map, known, key, placed?.key);
  const same = old?.computed.key === key ? old : undefined;
  const retiring = retiringOf(want, same);
  const wanted = unionOf(want.digests, retiring);
  const joined = joinReferenceValues({
    key,
    live: contentOf(map, key),
    ledger,
    owner,
    wanted,
    terms: termsOf(Object.keys(wanted), want, old?.inputs, clock.now()),
    remembered: placed === undefined ? undefined : rememberedFor(map, ledger, key, placed),
  });
  const left = leftBehind(key, joined.content, joined.ledger, same?.inputs.digests ?? {}, want.digests);
  const ledgers = { ...known, [key]: markRetiring(joined.ledger, owner, retiring) };
  if (old === undefined || same !== undefined) {
    return { key, joined, retiring, left, patch: valuesPatch(map, { [key]: joined.content }, ledgers) };
  }
  const previous = leaveKey(map, ledgers, placedOf(old.computed), owner);
  const data = { [key]: joined.content, [old.computed.key]: previous.content };
  return { key, joined, retiring, left, patch: valuesPatch(map, data, previous.ledgers) };
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
    const result = ofConfigMap(ref, () => mergeInto(map, key, want, old, operation));
    return { patch: result.patch, result };
  });
  const { key, joined, retiring, left } = changed.result;
  if (old !== undefined && old.computed.key !== key) {
    operation.log.info(movedMessage(ref, old.computed.key, key));
  }
  const { added, created, before } = joined.ownership;
  const expiries = expiriesOf(key, joined.content, want.digests);
  warnOfExpiry(operation, want.configMap, expiries, created);
  warnOfLeft(operation, ref, left);
  const first = old === undefined && operation.preview;
  const dated = first && Object.keys(created).length > 0;
  const same = old?.computed.key === key ? old : undefined;
  const revision = revisionAfter(
    changed,
    isAsBefore(same, want, joined.content) ? same?.computed.revision : undefined,
    operation,
  );
  return {
    key,
    added: { ...added },
    retiring: { ...retiring },
    retiringReaders: readersOf(retiring, same),
    created: dated ? unknown : { ...created },
    before,
    liveContent: dated ? unknown : joined.content,
    expiries: dated ? unknown : expiries,
    revision,
    overlapRevision: overlapAfter(Object.keys(retiring).length > 0, revision, old),
  };
}

/** Whether the live content is what this resource wrote last, and no refresh found anything else since. */
function isAsBefore(old: Old | undefined, want: Inputs, content: Before): boolean {
  return (
    old !== undefined && equalValues(old.inputs.digests, want.digests) && old.computed.liveContent === content
  );
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
    (name) => own(joined.ownership.created, name) !== own(state.created, name),
  );
  if (renewed.length > 0) return `expires soon: ${renewed.join(", ")}`;
  if (joined.content === live) return "the ownership record was removed";
  const unfit = readDocument(state.key, live).entries.filter(
    (entry) => isUnfit(entry) && (own(want.digests, entry.name) ?? []).length > 0,
  );
  if (unfit.length > 0)
    return `Trustee finds no digest in the ${unfit.length === 1 ? "entry" : "entries"} ${unfit.map(({ name }) => name).join(", ")}`;
  return "a digest of this stack is listed twice, or an entry of this stack has another expiration";
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

function mutable(given: Digests): Computed["retiring"] {
  return mapValues(given, (list) => [...list]);
}

/** The stack's own digests in named RVPS entries. */
export const referenceValues: ResourceType<Inputs, Computed> = {
  inputs,
  computed,
  replaceOn: ["namespace", "configMap"],
  derived: [],
  drifts: true,
  id: ({ namespace, configMap, candidateKeys }) => `${namespace}/${configMap}/${candidateKeys[0] ?? ""}`,

  create: (want, operation) => write(want, undefined, operation),

  read: async (want, state, operation) => {
    const ref = configMapRef(want.namespace, want.configMap);
    const object = await operation.kube.get(ref);
    if (object === undefined) return undefined;
    const map = readConfigMap(object);
    const live = contentOf(map, state.key);
    const expiries = ofConfigMap(ref, () => expiriesOf(state.key, live, want.digests));
    const ledger = ledgerOf(map, ledgersOf(map), state.key);
    const retiring = mutable(stillRetiring(ledger, operation.owner, state.retiring));
    const drift = ofConfigMap(ref, () => driftOf(want, { ...state, retiring }, map, operation));
    if (drift === NO_DRIFT) warnOfExpiry(operation, want.configMap, expiries, state.created);
    return { computed: { ...state, retiring, liveContent: live, expiries }, drift };
  },

  update: write,

  delete: async (had, state, operation) => {
    const ref = configMapRef(had.namespace, had.configMap);
    const keys = [state.key, ...siblingKeys(state.key)];
    await changeObject(operation, configMapTarget(ref, keys, REFERENCE_VALUES_LEDGER_ANNOTATION), (live) => {
      const object = staying(live);
      if (object === undefined) return { patch: undefined, result: undefined };
      const map = readConfigMap(object);
      const patch = ofConfigMap(ref, () =>
        leaveValues(map, had.candidateKeys, placedOf(state), operation.owner),
      );
      if (patch !== undefined) writableConfigMap(object, ref);
      return { patch, result: undefined };
    });
  },
};
