import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readSecretValues } from "../../../core/settings/secret-values.ts";
import { forAll } from "../../support/for-all.ts";

const FIRST = `pulumi config set --secret --path 'trustee-access:secretValues["db"]["password"]' < FILE`;

describe("readSecretValues", () => {
  it("returns the text of each key, unchanged", () => {
    const value = { db: { password: " a\n", user: "" }, cache: { token: "0123" } };
    expect(readSecretValues(value, true)).toEqual({ values: value, problems: [] });
  });

  it("returns nothing if nothing is set, encrypted or not", () => {
    expect(readSecretValues(undefined, false)).toEqual({ values: {}, problems: [] });
    expect(readSecretValues({}, false)).toEqual({ values: {}, problems: [] });
  });

  it("refuses plain text, with the command that sets the first value", () => {
    const { problems } = readSecretValues({ db: { password: "hunter2" }, cache: { token: "t" } }, false);
    expect(problems).toEqual([
      {
        code: "TA613",
        path: "secretValues",
        given: 'plain-text values of "db", "cache"',
        allowed: "values that Pulumi holds encrypted",
        fix: `Set each again: ${FIRST}, and choose another value if the file was shared.`,
      },
    ]);
  });

  it("reports a value that is not a text by its type", () => {
    const value = { db: { password: 42, more: { a: "x" }, none: null }, cache: ["x"], all: "x" };
    expect(readSecretValues(value, true).problems.map(({ path, given }) => `${path}: ${given}`)).toEqual([
      "secretValues.db.password: a value that is of type number",
      "secretValues.db.more: a value that is of type object",
      "secretValues.db.none: a value that is null",
      "secretValues.cache: a value that is a list",
      "secretValues.all: a value that is of type string",
    ]);
    expect(readSecretValues("x", true).problems.map(({ path, given }) => `${path}: ${given}`)).toEqual([
      "secretValues: a value that is of type string",
    ]);
  });

  it("never shows a value in a problem", () => {
    const marked = fc.string({ minLength: 1 }).map((text) => `hidden-${text}`);
    const anything = fc.letrec<{ tree: unknown }>((tie) => ({
      tree: fc.oneof(
        { depthSize: "small" },
        marked,
        fc.array(tie("tree"), { maxLength: 3 }),
        fc.dictionary(fc.constantFrom("a", "b", "c"), tie("tree"), { maxKeys: 3 }),
      ),
    })).tree;
    forAll(anything, fc.boolean(), (value, encrypted) => {
      expect(JSON.stringify(readSecretValues(value, encrypted).problems)).not.toContain("hidden-");
    });
  });
});
