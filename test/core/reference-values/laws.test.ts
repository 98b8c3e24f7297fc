import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { EMPTY_LEDGER, type Digests } from "../../../core/reference-values/ledger.ts";
import { own } from "../../../core/records.ts";
import {
  type Fields,
  EXPIRATION,
  fieldsIn,
  join,
  leave,
  LIST,
  MAP,
  retire,
  type World,
  written,
} from "./support/world.ts";

const NAMES = ["x", "x (2)", "constructor"];
const OURS = ["a1", "a2", "a3", "a4"].map((byte) => byte.repeat(32));
const THEIRS = ["7a", "7b", "7c"].map((byte) => byte.repeat(32));
/** The start of the note on an entry that we created: we keep its expiration. */
const SHARED = "shared ";
const STACKS = ["a", "b"] as const;
type Stack = (typeof STACKS)[number];

const isShared = ({ note = "" }: Fields): boolean => note.startsWith(SHARED);

/** What Trustee reads under a name: of several entries, the first. */
const accepted = (entries: readonly Fields[], name: string): readonly string[] =>
  entries.find((entry) => entry.name === name)?.value ?? [];

interface Model {
  readonly key: string;
  /** The entries without our values. */
  theirs: readonly Fields[];
  /** The original text; undefined after another client changed anything while a stack was joined. */
  untouched: string | null | undefined;
  /** The current owners and what they want. */
  readonly stacks: Map<Stack, { readonly wanted: Digests; readonly retiring: Digests }>;
  notes: number;
  /** True if the ledger was lost. Losing it twice makes no difference. */
  lost?: true;
}

interface Real {
  world: World;
}

type Command = fc.Command<Model, Real>;

const wantedOf = (model: Model, name: string): readonly string[] =>
  [...model.stacks.values()].flatMap(({ wanted, retiring }) => [
    ...(own(wanted, name) ?? []),
    ...(own(retiring, name) ?? []),
  ]);

/** Foreign content is unchanged and in order; everything else is wanted by an owner. */
function checkLaws(model: Model, { world }: Real): void {
  const entries = fieldsIn(world);
  for (const { expiration } of entries) expect(expiration).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  const marked = entries.filter((entry) => entry.note !== undefined);
  expect(marked.map((entry) => ({ ...entry, value: undefined }))).toStrictEqual(
    model.theirs.map((entry) => ({ ...entry, value: undefined })),
  );
  const valuesOf = new Map(model.theirs.map((entry) => [entry.note, entry.value]));
  for (const { name, note, value } of entries) {
    const theirs = valuesOf.get(note) ?? [];
    expect(value.slice(0, theirs.length)).toStrictEqual(theirs);
    const ours = value.slice(theirs.length);
    expect(wantedOf(model, name)).toEqual(expect.arrayContaining(ours));
    expect(new Set(value).size).toBe(value.length);
  }
  if (model.stacks.size > 0) return;
  expect(entries).toStrictEqual(model.theirs);
  if (model.untouched !== undefined) expect(world.content).toBe(model.untouched);
  expect(world.ledger).toStrictEqual(EMPTY_LEDGER);
}

/** An action of ours, or of another client. */
const command = (
  name: string,
  possible: (model: Model) => boolean,
  run: (model: Model, real: Real) => void,
): Command => ({
  check: possible,
  run: (model, real) => {
    run(model, real);
    checkLaws(model, real);
  },
  toString: () => name,
});

const joining = (stack: Stack, wanted: Digests, overlap: boolean): Command =>
  command(
    `${stack} joins with ${JSON.stringify(wanted)}${overlap ? ", overlapping" : ""}`,
    () => true,
    (model, real) => {
      const former = model.stacks.get(stack)?.wanted ?? {};
      const left = Object.entries(overlap ? former : {}).map(([name, list]): [string, readonly string[]] => [
        name,
        list.filter((digest) => own(wanted, name)?.includes(digest) !== true),
      ]);
      const retiring = Object.fromEntries(left);
      if (model.stacks.size === 0) model.untouched = real.world.content;
      model.stacks.set(stack, { wanted, retiring });
      real.world = join(real.world, stack, wanted, { retiring });
      const entries = fieldsIn(real.world);
      for (const name of NAMES) {
        const now = [...(own(wanted, name) ?? []), ...(own(retiring, name) ?? [])];
        expect(accepted(entries, name)).toEqual(expect.arrayContaining(now));
      }
      expect(JSON.stringify(join(real.world, stack, wanted, { retiring }))).toBe(JSON.stringify(real.world));
    },
  );

const retirementOf = (stack: Stack): Command =>
  command(
    `${stack} retires`,
    (model) => model.stacks.has(stack),
    (model, real) => {
      const before = fieldsIn(real.world);
      model.stacks.set(stack, { wanted: model.stacks.get(stack)?.wanted ?? {}, retiring: {} });
      real.world = retire(real.world, stack);
      const rest = [...before];
      for (const entry of fieldsIn(real.world)) {
        const at = rest.findIndex((one) => one.name === entry.name && one.expiration === entry.expiration);
        const [was] = rest.splice(0, at + 1).slice(at);
        expect(was?.value).toEqual(expect.arrayContaining([...entry.value]));
      }
    },
  );

const leaving = (stack: Stack): Command =>
  command(
    `${stack} leaves`,
    (model) => model.stacks.has(stack),
    (model, real) => {
      model.stacks.delete(stack);
      real.world = leave(real.world, stack);
    },
  );

/** Another client edits the text, including our values. */
const edit = (
  name: string,
  change: (model: Model, entries: readonly Fields[]) => readonly Fields[] | undefined,
): Command =>
  command(
    name,
    () => true,
    (model, real) => {
      const { world } = real;
      const entries = change(model, fieldsIn(world));
      if (entries === undefined) return;
      model.untouched = undefined;
      real.world = { ...world, content: written(world.key, entries, model.notes % 3) };
    },
  );

const expirationOf = (model: Model): string => `20${30 + (model.notes % 60)}-01-01T00:00:00Z`;

const adding = (name: string, value: readonly string[], first: boolean): Command =>
  edit(`they add ${name} ${first ? "first" : "last"}: ${value.join()}`, (model, entries) => {
    if (model.key === MAP && entries.some((entry) => entry.name === name)) return undefined;
    model.notes += 1;
    const entry = { name, expiration: expirationOf(model), note: `their ${model.notes}`, value };
    model.theirs = first ? [entry, ...model.theirs] : [...model.theirs, entry];
    return first ? [entry, ...entries] : [...entries, entry];
  });

/** @param change of a foreign entry; undefined: it is removed */
const changing = (name: string, at: number, change: (entry: Fields, model: Model) => Fields | undefined) =>
  edit(`they ${name} [${at}]`, (model, entries) => {
    const note = model.theirs[at % Math.max(1, model.theirs.length)]?.note;
    if (note === undefined) return undefined;
    model.notes += 1;
    const changed = (list: readonly Fields[]): readonly Fields[] =>
      list.flatMap((entry) => (entry.note === note ? (change(entry, model) ?? []) : entry));
    model.theirs = changed(model.theirs);
    return changed(entries);
  });

/** Another client adds a value to an entry that we created: it stays when we leave. */
const sharing = edit("they put a value of theirs into an entry of ours", (model, entries) => {
  const at = entries.findIndex((entry) => entry.note === undefined);
  const entry = entries[at];
  if (entry === undefined) return undefined;
  model.notes += 1;
  const note = `${SHARED}${model.notes}`;
  const value = [THEIRS[0] ?? ""];
  const before = entries.slice(0, at).filter((one) => one.note !== undefined).length;
  model.theirs = [...model.theirs.slice(0, before), { ...entry, note, value }, ...model.theirs.slice(before)];
  const shared = { ...entry, note, value: [...value, ...entry.value] };
  return entries.map((one, index) => (index === at ? shared : one));
});

const removing = edit("they take an entry of ours out", (_, entries) => {
  const at = entries.findIndex((entry) => entry.note === undefined);
  return at < 0 ? undefined : entries.filter((_entry, index) => index !== at);
});

const takingOut = edit("they take a digest of ours out of one entry", (model, entries) => {
  const theirs = new Map(model.theirs.map((entry) => [entry.note, entry.value.length]));
  const at = entries.findIndex((entry) => entry.value.length > (theirs.get(entry.note) ?? 0));
  if (at < 0) return undefined;
  return entries.map((entry, index) =>
    index === at ? { ...entry, value: entry.value.slice(0, -1) } : entry,
  );
});

const renewing = edit("they change the expiration of an entry of ours", (model, entries) => {
  const at = entries.findIndex((entry) => entry.note === undefined);
  model.notes += 1;
  if (at < 0) return undefined;
  const expiration = expirationOf(model);
  return entries.map((entry, index) => (index === at ? { ...entry, expiration } : entry));
});

const losing = command(
  "the ledger is lost",
  (model) =>
    model.lost === undefined &&
    model.stacks.size === 1 &&
    [...model.stacks.values()].every(({ retiring }) => Object.keys(retiring).length === 0),
  (model, real) => {
    // An owner that took over an entry knows that only from the ledger, until its next join.
    const [state] = Object.values(real.world.states);
    if (Object.keys(real.world.ledger.created).some((name) => own(state?.created, name) === undefined))
      return;
    // An owner that joins before the existing one remembers a text with our values in it.
    Object.assign(model, { untouched: undefined, lost: true });
    real.world = { ...real.world, ledger: EMPTY_LEDGER };
  },
);

const name = fc.constantFrom(...NAMES);
const stack = fc.constantFrom(...STACKS);
const wanted: fc.Arbitrary<Digests> = fc.dictionary(
  name,
  fc.uniqueArray(fc.constantFrom(...OURS), { minLength: 1, maxLength: 3 }),
);
const at = fc.nat(3);

const ours = [
  fc.tuple(stack, wanted, fc.boolean()).map((given) => joining(...given)),
  fc.tuple(stack, wanted, fc.boolean()).map((given) => joining(...given)),
  stack.map(retirementOf),
  stack.map(leaving),
];

function additions(values: readonly string[]): fc.Arbitrary<Command> {
  const list = fc.uniqueArray(fc.constantFrom(...values), { maxLength: 3 });
  return fc.tuple(name, list, fc.boolean()).map((given) => adding(...given));
}

const edits = [
  additions(THEIRS),
  at.map((index) => changing("take out", index, () => undefined)),
  at.map((index) =>
    changing("put a value into", index, (entry, { notes }) => ({
      ...entry,
      value: [THEIRS[notes % 3] ?? "", ...entry.value.filter((one) => one !== THEIRS[notes % 3])],
    })),
  ),
  at.map((index) =>
    changing("take a value out of", index, (entry) => ({
      ...entry,
      value: entry.value.filter((one, place) => place !== 0 || OURS.includes(one) || isShared(entry)),
    })),
  ),
  at.map((index) =>
    changing("renew", index, (entry, model) => ({
      ...entry,
      expiration: isShared(entry) ? entry.expiration : expirationOf(model),
    })),
  ),
  fc.constantFrom(sharing, removing, takingOut),
];

/** The content before the first stack joins. */
function start(key: string, commands: Iterable<Command>): { model: Model; real: Real } {
  const model: Model = { key, theirs: [], untouched: undefined, stacks: new Map(), notes: 0 };
  const real: Real = {
    world: { key, content: key === LIST ? "[\n]\n" : null, ledger: EMPTY_LEDGER, states: {} },
  };
  for (const one of commands) one.run(model, real);
  return { model, real };
}

function lawsHold(values: readonly string[], possible: readonly fc.Arbitrary<Command>[]): void {
  fc.assert(
    fc.property(
      fc.constantFrom(LIST, MAP),
      fc.array(additions(values), { maxLength: 3 }),
      fc.commands([...possible], { maxCommands: 14 }),
      (key, before, commands) => {
        let last: { model: Model; real: Real } | undefined;
        fc.modelRun(() => (last = start(key, before)), commands);
        if (last === undefined) throw new Error("nothing ran");
        for (const one of STACKS.filter((each) => last?.model.stacks.has(each))) {
          leaving(one).run(last.model, last.real);
        }
      },
    ),
    { numRuns: 200 },
  );
}

describe("any sequence of our and foreign actions keeps foreign content, and no unwanted content of ours", () => {
  test("for any foreign edits", () => {
    lawsHold(THEIRS, [...ours, ...edits]);
  });

  // Foreign edits in between would look like ours.
  test("if the ledger is lost", () => {
    lawsHold(THEIRS, [...ours, fc.constant(losing)]);
  });

  test("if others change the expiration of our entries", () => {
    lawsHold(THEIRS, [...ours, additions(THEIRS), fc.constant(renewing)]);
  });

  test("if others add digests that are ours too", () => {
    lawsHold([...OURS, ...THEIRS], [...ours, additions([...OURS, ...THEIRS])]);
  });
});

test("a new entry of ours expires at the end of its term", () => {
  const real = { world: { key: LIST, content: "[]", ledger: EMPTY_LEDGER, states: {} } };
  expect(fieldsIn(join(real.world, "a", { x: OURS }))).toStrictEqual([
    { name: "x", expiration: EXPIRATION, value: OURS },
  ]);
});
