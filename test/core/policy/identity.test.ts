import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Issues } from "../../../core/issues.ts";
import type { StackGrants, StackId } from "../../../core/policy/grants.ts";
import { checkNamesakes, isNamesake, isSameStack } from "../../../core/policy/identity.ts";
import { areOfOneStack, isOfNamesake, ownerOf, urnOf } from "../../../core/policy/owner.ts";
import { parseRegistry } from "../../../core/policy/registry.ts";
import { joinPolicy, leavePolicy, lineOf } from "../../../core/policy/share.ts";
import { ownerAnnotations, ownerLabels, isMadeBy, markOf } from "../../../core/trustee/ownership.ts";
import { forAll } from "../../support/for-all.ts";

const grants = (stack: string, identity?: string): StackGrants => ({
  stack,
  identity,
  others: "affirming",
  secrets: { [`of-${stack}`]: {} },
});
const URN = "urn:pulumi:dev::p::trustee-access:index:KbsSecret$trustee:index:KbsSecretEntry::made";

describe("a line in the policy", () => {
  test("without an identity belongs to the stack of its name, and gets an identity in place", () => {
    const text = joinPolicy(joinPolicy(null, grants("o/p/dev")), grants("o/p/dev", "mine"));
    expect(parseRegistry(text)?.stacks).toEqual([grants("o/p/dev", "mine")]);
    expect(leavePolicy(text, { stack: "o/p/dev", identity: "mine" })).toEqual({
      kind: "restore",
      content: null,
    });
  });

  test("with an identity belongs to its stack under any name: a rename leaves nothing behind", () => {
    const before = joinPolicy(joinPolicy(null, grants("o/p/dev", "mine")), grants("o/p/other", "theirs"));
    const after = joinPolicy(before, grants("org/p/prod", "mine"));
    expect(parseRegistry(after)?.stacks).toEqual([
      grants("o/p/other", "theirs"),
      grants("org/p/prod", "mine"),
    ]);
    expect(lineOf(after, { stack: "o/p/dev", identity: "mine" })?.stack).toBe("org/p/prod");
  });

  test("of the same name is refused if it has another identity, even if this stack has none yet", () => {
    const live = joinPolicy(null, grants("o/p/dev", "theirs"));
    for (const identity of ["mine", undefined]) {
      const issues = new Issues();
      checkNamesakes(live, { stack: "o/p/dev", identity }, issues);
      expect(issues.found.map(({ path, given }) => [path, given])).toEqual([
        ["the live resource policy", "a line, which belongs to another stack of the same name, o/p/dev"],
      ]);
    }
    const issues = new Issues();
    for (const own of [{ stack: "o/p/dev", identity: "theirs" }, { stack: "o/p/x" }])
      checkNamesakes(live, own, issues);
    expect(issues.found).toEqual([]);
    expect(leavePolicy(live, { stack: "o/p/dev", identity: "mine" }).kind).toBe("leave");
  });
});

describe("an owner in a ledger", () => {
  test("is the resource's URN, with the stack's identity if it has one", () => {
    expect(ownerOf(URN, undefined)).toBe(URN);
    expect([ownerOf(URN, undefined), ownerOf(URN, "mine")].map(urnOf)).toEqual([URN, URN]);
  });

  test("belongs to a stack by identity, else by the stack and project in its URN", () => {
    const other = URN.replace("::made", "::more");
    const elsewhere = URN.replace("dev::p", "prod::p");
    expect(areOfOneStack(URN, other)).toBe(true);
    expect(areOfOneStack(URN, elsewhere)).toBe(false);
    expect(areOfOneStack(ownerOf(URN, "mine"), ownerOf(elsewhere, "mine"))).toBe(true);
    expect(areOfOneStack(ownerOf(URN, "mine"), ownerOf(other, "theirs"))).toBe(false);
    expect(areOfOneStack(URN, ownerOf(other, "mine"))).toBe(true);
  });

  test("of a namesake is recognized by its identity, but not one of an older release", () => {
    expect(isOfNamesake(ownerOf(URN, "theirs"), ownerOf(URN, "mine"))).toBe(true);
    expect(isOfNamesake(ownerOf(URN, "theirs"), URN)).toBe(true);
    expect(isOfNamesake(URN, ownerOf(URN, "mine"))).toBe(false);
    expect(isOfNamesake(ownerOf(URN.replace("dev", "x"), "theirs"), ownerOf(URN, "mine"))).toBe(false);
  });
});

test("nothing belongs to a stack and its namesake at once, and marks round-trip", () => {
  const id = fc.record({
    stack: fc.constantFrom("o/p/a", "o/p/b"),
    identity: fc.constantFrom("1", "2", undefined),
  });
  forAll(id, id, (found: StackId, own: StackId) => {
    const made = isMadeBy(own, { labels: ownerLabels, annotations: ownerAnnotations(found) });
    expect(made && isNamesake(found, own)).toBe(false);
    expect(markOf(ownerAnnotations(found))).toEqual(found);
    if (found.identity !== undefined && own.identity !== undefined)
      expect(isSameStack(found, own)).toBe(found.identity === own.identity);
  });
});
