import fc from "fast-check";
import { expect, test } from "vitest";
import { Turns } from "../../kube/turns.ts";

test("work on one thing runs in order, also after a failure; work on different things runs in parallel", async () => {
  const wanted = fc.array(fc.record({ thing: fc.constantFrom("a", "b", "__proto__"), fails: fc.boolean() }));
  await fc.assert(
    fc.asyncProperty(wanted, async (all) => {
      const turns = new Turns();
      const working = new Map<string, number>();
      const done: number[] = [];
      let most = 0;
      const results = await Promise.allSettled(
        all.map(({ thing, fails }, index) =>
          turns.take(thing, async () => {
            working.set(thing, (working.get(thing) ?? 0) + 1);
            expect(working.get(thing)).toBe(1);
            most = Math.max(most, [...working.values()].filter((count) => count > 0).length);
            await new Promise(setImmediate);
            working.set(thing, 0);
            done.push(index);
            if (fails) throw new Error(String(index));
            return index;
          }),
        ),
      );
      expect(results).toEqual(
        all.map(({ fails }, index) =>
          fails
            ? { status: "rejected", reason: new Error(String(index)) }
            : { status: "fulfilled", value: index },
        ),
      );
      for (const indices of Map.groupBy(done, (index) => all[index]?.thing).values()) {
        expect(indices).toEqual(indices.toSorted((a, b) => a - b));
      }
      expect(most).toBe(new Set(all.map(({ thing }) => thing)).size);
    }),
  );
});
