import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  listGrants,
  mergeGrants,
  tableBindings,
  type GrantTable,
  type StackGrants,
} from "../../../core/policy/grants.ts";
import { parseRegistry } from "../../../core/policy/registry.ts";
import { renderPolicy } from "../../../core/policy/render.ts";
import {
  changingReaders,
  joinPolicy,
  leavePolicy,
  retirePolicy,
  retiringReaders,
} from "../../../core/policy/share.ts";
import type { Rotation } from "../../../core/policy/rotation.ts";
import { forAll } from "../../support/for-all.ts";
import { allKeys } from "../../fixtures/grants.ts";

const A1 = "a1".repeat(32);
const A2 = "a2".repeat(32);
const A3 = "a3".repeat(32);
const B1 = "b1".repeat(32);
const STACK = "org/p/dev";

const grants = (secrets: GrantTable, stack = STACK): StackGrants => ({ stack, others: "affirming", secrets });
const rotation = (current: Rotation["current"], overlapping = ["pod1", "pod2"]): Rotation => ({
  current,
  overlapping,
});

/** One `up`. The previous state stays as far as it may. */
const up = (live: string, from: GrantTable, to: GrantTable, current: Rotation): string =>
  joinPolicy(live, grants(to), null, { rotation: current, declared: from });

const table = (text: string): GrantTable => mergeGrants(parseRegistry(text)?.stacks ?? []).secrets;

describe("a pod with new initdata", () => {
  const from = { s: allKeys({ [A1]: "pod1" }) };
  const to = { s: allKeys({ [A2]: "pod1" }) };
  const before = joinPolicy(null, grants(from));
  const during = up(before, from, to, rotation({ [A2]: "pod1" }));

  test("keeps its previous digest, under a name that says so, until it is retired", () => {
    expect(table(during)).toStrictEqual({ s: allKeys({ [A1]: "pod1 (former initdata)", [A2]: "pod1" }) });
    expect(changingReaders(before, STACK, rotation({ [A2]: "pod1" }))).toStrictEqual(["pod1"]);
    expect(changingReaders(before, STACK, rotation({ [A1]: "pod1" }))).toStrictEqual([]);
    expect(retiringReaders(during, STACK)).toStrictEqual(["pod1"]);
    expect(retirePolicy(during, STACK)).toBe(joinPolicy(null, grants(to)));
    expect(retiringReaders(retirePolicy(during, STACK), STACK)).toStrictEqual([]);
  });

  test("keeps both digests after another change; the same change again changes nothing", () => {
    expect(up(during, to, to, rotation({ [A2]: "pod1" }))).toBe(during);
    const third = { s: allKeys({ [A3]: "pod1" }) };
    expect(table(up(during, to, third, rotation({ [A3]: "pod1" })))).toStrictEqual({
      s: allKeys({ [A1]: "pod1 (former initdata)", [A2]: "pod1 (former initdata)", [A3]: "pod1" }),
    });
  });

  test("has the previous digest as its current one again after going back", () => {
    expect(table(up(during, to, from, rotation({ [A1]: "pod1" })))).toStrictEqual({
      s: allKeys({ [A1]: "pod1", [A2]: "pod1 (former initdata)" }),
    });
  });

  test("a grant revoked meanwhile ends at once, and so does the previous digest of a removed pod", () => {
    const wide = { s: allKeys({ [A1]: "pod1" }), t: { k: { "azure-vtpm": { [A1]: "pod1" } } } };
    const live = joinPolicy(null, grants(wide));
    const narrow = { s: { k: { "azure-vtpm": { [A2]: "pod1" } } }, t: {} };
    expect(table(up(live, wide, narrow, rotation({ [A2]: "pod1" })))).toStrictEqual({
      s: { k: { "azure-vtpm": { [A1]: "pod1 (former initdata)", [A2]: "pod1" } } },
      t: {},
    });
    expect(table(up(live, wide, { s: {}, t: {} }, rotation({})))).toStrictEqual({ s: {}, t: {} });
  });

  test("a reader of single keys that now reads all keys keeps them, and vice versa", () => {
    const single = { s: { a: { "azure-vtpm": { [A1]: "pod1" } }, b: { "azure-vtpm": { [B1]: "pod2" } } } };
    const every = { s: allKeys({ [A2]: "pod1" }) };
    expect(
      table(up(joinPolicy(null, grants(single)), single, every, rotation({ [A2]: "pod1" }))),
    ).toStrictEqual({
      s: { "*": { "azure-vtpm": { [A2]: "pod1" } }, a: { "azure-vtpm": { [A1]: "pod1 (former initdata)" } } },
    });
    const back = { s: { a: { "azure-vtpm": { [A3]: "pod1" } } } };
    expect(table(up(joinPolicy(null, grants(every)), every, back, rotation({ [A3]: "pod1" })))).toStrictEqual(
      { s: { a: { "azure-vtpm": { [A2]: "pod1 (former initdata)", [A3]: "pod1" } } } },
    );
  });

  test("initdata that is now another pod's is rejected at once: two pods that swap theirs would read each other's secrets", () => {
    const two = { s: allKeys({ [A1]: "pod1" }), t: allKeys({ [B1]: "pod2" }) };
    const exchanged = { s: allKeys({ [B1]: "pod1" }), t: allKeys({ [A1]: "pod2" }) };
    const live = joinPolicy(null, grants(two));
    const text = up(live, two, exchanged, rotation({ [A1]: "pod2", [B1]: "pod1" }));
    expect(table(text)).toStrictEqual(exchanged);
  });

  test("a reader deployed elsewhere gets no grace period", () => {
    expect(table(up(before, from, to, rotation({ [A2]: "pod1" }, [])))).toStrictEqual(to);
  });

  test("a claim added to our line by hand does not count as a previous one", () => {
    const forged = joinPolicy(null, grants({ s: allKeys({ [A1]: "pod1", [B1]: "pod1" }) }));
    expect(table(up(forged, from, from, rotation({ [A1]: "pod1" })))).toStrictEqual(from);
  });

  test("a text without the original text is not changed", () => {
    const damaged = during.replace(/^# trustee-access: before .*\n/m, "");
    expect(retirePolicy(damaged, STACK)).toBe(damaged);
    expect(retirePolicy(null, STACK)).toBeNull();
    expect(retirePolicy("package policy\n", STACK)).toBe("package policy\n");
  });

  test("the previous digest leaves with its stack, and stays when another stack comes or leaves", () => {
    const other = grants({ u: {} }, "org/p/other");
    const both = joinPolicy(during, other);
    expect(leavePolicy(both, other.stack)).toStrictEqual({ kind: "write", content: during });
    expect(leavePolicy(both, STACK)).toStrictEqual({ kind: "write", content: renderPolicy([other], null) });
    expect(leavePolicy(during, STACK)).toStrictEqual({ kind: "restore", content: null });
  });
});

describe("any change", () => {
  const claim = fc.constantFrom(A1, A2, A3, B1);
  const readers = fc.dictionary(
    fc.constantFrom(...tableBindings),
    fc.dictionary(claim, fc.constantFrom("pod1", "pod2", "__proto__"), { maxKeys: 3 }),
  );
  const tables: fc.Arbitrary<GrantTable> = fc.dictionary(
    fc.constantFrom("s", "t", "__proto__"),
    fc.dictionary(fc.constantFrom("*", "k"), readers),
  );
  const current = fc.dictionary(claim, fc.constantFrom("pod1", "pod2"));

  /** Who reads a key with a claim, including `*`. */
  const reads = (grantTable: GrantTable): ReadonlySet<string> =>
    new Set(
      listGrants(grantTable).flatMap(({ secret, key, binding, initData }) =>
        (key === "*" ? ["*", "k"] : [key]).map((read) => `${secret} ${read} ${binding} ${initData}`),
      ),
    );

  /** Who reads a key, by name. */
  const named = (grantTable: GrantTable, secret: string, key: string, name: string): boolean =>
    listGrants(grantTable).some(
      (one) => one.secret === secret && ["*", key].includes(one.key) && one.reader === name,
    );

  test("the previous digest reads only what its pod could read before and can read afterwards", () => {
    forAll(tables, tables, (from, to) => {
      const live = joinPolicy(null, grants(from));
      const during = reads(table(up(live, from, to, rotation({}, ["pod1", "pod2", "__proto__"]))));
      for (const { secret, key, binding, initData, reader } of listGrants(from)) {
        if (!named(to, secret, key, reader)) continue;
        expect(during).toContain(`${secret} ${key} ${binding} ${initData}`);
      }
    });
  });

  test("nobody else reads during the grace period, and no trace is left after it", () => {
    forAll(tables, tables, current, (from, to, now) => {
      const live = joinPolicy(null, grants(from));
      const during = up(live, from, to, rotation(now, ["pod1", "pod2", "__proto__"]));
      const allowed = new Set([...reads(from), ...reads(to)]);
      for (const cell of reads(table(during))) expect(allowed).toContain(cell);
      expect(retirePolicy(during, STACK)).toBe(joinPolicy(null, grants(to)));
    });
  });
});
