import fc from "fast-check";
import { parseTree, type Node } from "jsonc-parser";
import { expect, test } from "vitest";
import { appendElements, keepElements, removeElement } from "../../../core/reference-values/json-edit.ts";
import { forAll } from "../../support/for-all.ts";

const space = fc.constantFrom("", " ", "\n", "\r\n", "\n    ", "\t", "\n\t");
const value = fc.constantFrom<unknown>("a", "b", 7, true, null, { a: ["b"] }, [1, 2]);

/** An array's text, with unusual white space around each element. */
const array = (minLength: number): fc.Arbitrary<string> =>
  fc
    .tuple(fc.array(fc.tuple(space, value, space), { minLength, maxLength: 5 }), space)
    .map(([elements, blank]) =>
      elements.length === 0
        ? `[${blank}]`
        : `[${elements.map(([before, one, after]) => before + JSON.stringify(one) + after).join(",")}]`,
    );

function parsed(text: string): Node {
  const tree = parseTree(text);
  if (tree === undefined) throw new Error(`no JSON: ${text}`);
  return tree;
}

test("appending elements at once gives the same bytes as one by one", () => {
  forAll(array(0), fc.array(value, { maxLength: 5 }), (text, values) => {
    const oneByOne = values.reduce<string>((all, one) => appendElements(all, parsed(all), [one]), text);
    expect(appendElements(text, parsed(text), values)).toBe(oneByOne);
  });
});

test("removing elements at once gives the same bytes as one by one", () => {
  forAll(array(0), fc.infiniteStream(fc.boolean()), (text, choices) => {
    const kept = [...choices.take(parsed(text).children?.length ?? 0)];
    let oneByOne = text;
    let at = 0;
    for (const stays of kept) {
      if (stays) at += 1;
      else oneByOne = removeElement(oneByOne, parsed(oneByOne), at);
    }
    expect(keepElements(text, parsed(text), kept)).toBe(oneByOne);
  });
});
