import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { accessMatrix, matrixText } from "../../../core/access/matrix.ts";
import { affirmingToken } from "../../../core/access/token.ts";
import { decide } from "../../../core/access/model.ts";
import { otherReaderLine, otherReaders } from "../../../core/access/other-readers.ts";
import { mergeGrants, type StackGrants } from "../../../core/policy/grants.ts";
import { joinPolicy, stacksAfterJoin } from "../../../core/policy/share.ts";
import { forAll } from "../../support/for-all.ts";
import { allKeys, stackGrants } from "../../fixtures/grants.ts";

const own = stackGrants("o/p/own", {
  mine: { "*": { "azure-vtpm": { a1: "pod1" } }, one: { "azure-vtpm": { b2: "pod2" } } },
  created: {},
});

function lines(...others: readonly Pick<StackGrants, "stack" | "secrets" | "retiring">[]): readonly string[] {
  const live = others.reduce<string | null>(
    (text, other) => joinPolicy(text, { ...other, others: "affirming" }),
    joinPolicy(null, own),
  );
  return otherReaders(live, own).map(otherReaderLine);
}

describe("the readers of a stack's secrets by other stacks' grants", () => {
  it("are empty if the others grant only their own secrets, or to readers of this stack", () => {
    expect(otherReaders(null, own)).toEqual([]);
    expect(lines()).toEqual([]);
    expect(lines({ stack: "o/p/b", secrets: { theirs: allKeys({ c3: "x" }) } })).toEqual([]);
    expect(
      lines({
        stack: "o/p/b",
        secrets: {
          mine: { "*": { "azure-vtpm": { a1: "x" } }, one: { "azure-vtpm": { b2: "y", a1: "z" } } },
        },
      }),
    ).toEqual([]);
  });

  it("have their stack, secret and the start of their claim, with previous digests", () => {
    const claim = "0123456789abcdef".repeat(4);
    expect(
      lines(
        { stack: "o/p/c", secrets: { created: allKeys({ [claim]: "spy" }) } },
        {
          stack: "o/p/b",
          secrets: { mine: allKeys({ b2: "b1" }) },
          retiring: { mine: { one: { "azure-vtpm": { c3: "b1" } } } },
        },
      ),
    ).toEqual([
      "also read by: spy of stack o/p/c -> created/* (init_data 0123456789ab)",
      "also read by: b1 of stack o/p/b -> mine/* (init_data b2)",
      "also read by: b1 (former initdata) of stack o/p/b -> mine/one (init_data c3)",
    ]);
  });

  it("are listed below the matrix", () => {
    const live = joinPolicy(null, stackGrants("o/p/b", { mine: { k: { "azure-vtpm": { c3: "b1" } } } }));
    const rows = [{ pod: "pod1", namespace: "default", initData: "a1", binding: "azure-vtpm" as const }];
    const matrix = accessMatrix(mergeGrants(stacksAfterJoin(live, own)), rows, [
      { secret: "mine", key: "k" },
    ]);
    expect(matrixText(matrix, otherReaders(live, own))).toEqual([
      "      mine/k",
      "pod1  ✓ may read",
      "also read by: b1 of stack o/p/b -> mine/k (init_data c3)",
    ]);
  });

  it("break no line, whatever name a forged line has (property)", () => {
    const name = fc.string({ unit: "binary", minLength: 1 });
    forAll(name, name, name, (stack, reader, claim) => {
      fc.pre(stack !== own.stack && claim !== "a1" && claim !== "__proto__");
      const [line = "", ...rest] = lines({ stack, secrets: { mine: allKeys({ [claim]: reader }) } });
      expect(rest).toEqual([]);
      expect(line).toMatch(
        /^also read by: [\w.*/@:+ \\{}()-]* of stack [\w.*/@:+ \\{}()-]* -> mine\/\* \(init_data /,
      );
    });
  });

  it("are all that the policy allows and the stack does not grant (property)", () => {
    const table = fc.dictionary(
      fc.constantFrom("mine", "created", "theirs"),
      fc.dictionary(
        fc.constantFrom("*", "one", "k"),
        fc.dictionary(fc.constantFrom("a1", "b2", "c3"), fc.constantFrom("x", "y")),
      ),
    );
    forAll(table, (secrets) => {
      const live = joinPolicy(null, { stack: "o/p/b", others: "affirming", secrets });
      const rules = mergeGrants(stacksAfterJoin(live, own));
      const found = otherReaders(live, own);
      for (const secret of ["mine", "created"]) {
        for (const key of ["one", "k"]) {
          for (const claim of ["a1", "b2", "c3"]) {
            const data = { "resource-path": ["default", secret, key], plugin: "resource" };
            const token = affirmingToken(claim);
            const reads = decide(rules, data, token).allowed && !decide(own, data, token).allowed;
            const named = found.some(
              (one) => one.secret === secret && ["*", key].includes(one.key) && one.initData === claim,
            );
            expect([secret, key, claim, named && reads]).toEqual([secret, key, claim, reads]);
          }
        }
      }
    });
  });
});
