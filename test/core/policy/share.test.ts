import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { StackGrants } from "../../../core/policy/grants.ts";
import { ownerMark } from "../../../core/policy/owner.ts";
import { parseRegistry } from "../../../core/policy/registry.ts";
import { joinPolicy, leavePolicy, retirePolicy } from "../../../core/policy/share.ts";
import { forAll } from "../../support/for-all.ts";
import { stackGrants } from "../../fixtures/grants.ts";

const name = fc.oneof(
  fc.constantFrom("p1", "p2", "dataset_key", "__proto__", "constructor"),
  fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/),
);
const initData = fc.stringMatching(/^[0-9a-f]{64}$/).map((hex) => hex.slice(0, 64));
const readers = fc.dictionary(fc.oneof(fc.constant("ab".repeat(32)), initData), name, { maxKeys: 3 });
const secrets = fc.dictionary(
  name,
  fc.dictionary(fc.oneof(name, fc.constant("*")), readers, { maxKeys: 3 }),
  { maxKeys: 4 },
);
const grants = (stack: string): fc.Arbitrary<StackGrants> =>
  fc.record({ stack: fc.constant(stack), others: fc.constantFrom("affirming", "deny"), secrets });
/** What may be there already: no key, an empty text, any text. */
const before = fc.oneof(
  fc.constant(null),
  fc.constant(""),
  fc.string({ unit: "binary" }),
  fc.string().map((text) => `package policy\r\n${text}\n`),
);

const a = grants("org/p/a");
const b = grants("org/p/b");
const c = grants("org/p/c");
const orders = fc.shuffledSubarray([0, 1, 2], { minLength: 3 });

const restore = (content: string | null) => ({ kind: "restore", content });
const leave = (reason: string) => ({ kind: "leave", reason });

describe("one stack", () => {
  test("leaving restores what was there before joining", () => {
    forAll(before, a, (text, own) => {
      const joined = joinPolicy(text, own);
      expect(leavePolicy(joined, own.stack)).toStrictEqual(restore(text));
    });
  });

  test("joining twice equals joining once, whatever was granted before", () => {
    forAll(before, a, a, (text, first, second) => {
      const once = joinPolicy(text, second);
      expect(joinPolicy(once, second)).toBe(once);
      expect(joinPolicy(joinPolicy(text, first), second)).toBe(once);
    });
  });

  test("a policy that was reset is repaired, and the original text is still known", () => {
    forAll(before, before, a, (text, reset, own) => {
      const remembered = parseRegistry(joinPolicy(text, own))?.before;
      expect(joinPolicy(reset, own, remembered)).toBe(joinPolicy(text, own));
    });
  });
});

describe("the owner of the grants", () => {
  const owned = (urn: string): StackGrants => ({
    stack: "org/p/a",
    owner: ownerMark(urn),
    others: "affirming",
    secrets: { s: {} },
  });

  test("has a mark of a fixed length, as `printf %s URN | sha256sum | cut -c1-16` computes it", () => {
    expect(ownerMark("urn:pulumi:dev::p::t::n")).toBe("06d4fe26cdf927b8");
  });

  test("keeps grants that it took over when their previous owner leaves", () => {
    const first = joinPolicy("package before\n", owned("old"));
    const second = joinPolicy(first, owned("new"));
    expect(leavePolicy(second, "org/p/a", second, ownerMark("old"))).toStrictEqual({ kind: "handed-over" });
    expect(leavePolicy(second, "org/p/a", second, ownerMark("new"))).toStrictEqual(
      restore("package before\n"),
    );
  });
});

describe("several stacks", () => {
  test("can join in any order", () => {
    forAll(before, a, b, (text, one, two) => {
      expect(joinPolicy(joinPolicy(text, one), two)).toBe(joinPolicy(joinPolicy(text, two), one));
    });
  });

  test("leave the others unchanged, and the last one restores the original text", () => {
    forAll(before, a, b, c, orders, (text, one, two, three, order) => {
      const stacks = [one, two, three];
      const join = (some: readonly StackGrants[]) =>
        some.reduce<string | null>((all, own) => joinPolicy(all, own), text);
      let live = join(stacks);
      let left = stacks;
      for (const index of order) {
        const going = stacks[index];
        if (going === undefined) throw new Error("no such stack");
        left = left.filter((stack) => stack !== going);
        const withdrawal = leavePolicy(live, going.stack);
        expect(withdrawal).toStrictEqual(
          left.length > 0 ? { kind: "write", content: join(left) } : restore(text),
        );
        live = "content" in withdrawal ? withdrawal.content : live;
      }
    });
  });
});

describe("manual edits", () => {
  const own: StackGrants = {
    stack: "org/p/a",
    others: "deny",
    secrets: { s1: { "*": { "azure-vtpm": { ["ab".repeat(32)]: "pod1" } } } },
  };
  const other = stackGrants("org/p/b", { s2: {} });
  const live = joinPolicy(joinPolicy("package policy\n", own), other);

  test("a changed rule stays on leaving, and is repaired by the next join", () => {
    const edited = live.replace("default allow = false", "default allow = true");
    expect(leavePolicy(edited, own.stack)).toStrictEqual(leave("the policy was edited by hand"));
    expect(joinPolicy(edited, own)).toBe(live);
  });

  test("a lost line of the original text takes nothing else with it", () => {
    const beforeLost = live.replace('# trustee-access: before "package', "# trustee-access: before package");
    expect(joinPolicy(beforeLost, own, "package policy\n")).toBe(live);
  });

  test("a foreign policy does not change", () => {
    expect(leavePolicy("package policy\n", own.stack)).toStrictEqual(
      leave("a foreign policy has replaced it"),
    );
    expect(leavePolicy(joinPolicy("package policy\n", other), own.stack)).toStrictEqual(
      leave("this stack's grants are no longer in it"),
    );
  });

  test("a text of an older release is still removed", () => {
    const worded = `${joinPolicy("package policy\n", own)}# worded otherwise\n`;
    expect(leavePolicy(worded, own.stack, worded)).toStrictEqual(restore("package policy\n"));
  });
});

describe("a policy without the line of the original text", () => {
  const first = stackGrants("org/p/a", { theirs: {} });
  const next = stackGrants("org/p/b", { ours: {} });
  const live = joinPolicy("package original\n", first);
  const line = '# trustee-access: before "package original\\n"';

  test.each([
    ["missing", ""],
    ["cut short", line.slice(0, -1)],
    ["of another type", "# trustee-access: before 7"],
    ["there twice", `${line}\n# trustee-access: before null`],
  ])("is refused to a new stack, and repaired by one whose state has the text: %s", (_, damage) => {
    const damaged = live.replace(line, () => damage);
    expect(damaged).not.toBe(live);
    const message = `1 problem in the shared resource policy; nothing was changed.
  - TA902 the live resource policy: no single valid line with the text from before the first stack
      allowed: one readable line # trustee-access: before ..., as this project writes it
      to fix: Run pulumi up of org/p/a first: it restores the line from its state. If no state has the text, write the line by hand: # trustee-access: before, then the text as a JSON string, or null for none.`;
    expect(() => joinPolicy(damaged, next)).toThrow(message);
    const restored = joinPolicy(damaged, first, "package original\n");
    expect(restored).toBe(live);
    const left = leavePolicy(joinPolicy(restored, next), first.stack);
    expect(leavePolicy("content" in left ? left.content : null, next.stack)).toStrictEqual(
      restore("package original\n"),
    );
  });

  test("remembers that the key did not exist", () => {
    const none = joinPolicy(null, first);
    const damaged = none.replace("before null", "before nul");
    expect(() => joinPolicy(damaged, next)).toThrow("the text from before the first stack");
    expect(joinPolicy(damaged, first, null)).toBe(none);
  });
});

describe("a damaged line", () => {
  const A = stackGrants("org/p/a", { theirs: { "*": { "azure-vtpm": { a1: "pod1" } } } });
  const B = stackGrants("org/p/b", { ours: {} });
  const live = joinPolicy(joinPolicy("package policy\n", A), B);
  const lineOfA = live.split("\n").find((line) => line.includes('"stack":"org/p/a"')) ?? "";

  /** A line damaged by people, and the stack that it still names. */
  const damages: readonly (readonly [string, (line: string) => string, string | undefined])[] = [
    ["a brace too little", (line) => line.slice(0, -1), "org/p/a"],
    ["cut in two", (line) => line.replace(',"secrets"', ',\n"secrets"'), "org/p/a"],
    ["a value of another type", (line) => line.replace('"pod1"', "7"), "org/p/a"],
    ["a mode that there is not", (line) => line.replace("affirming", "allow"), "org/p/a"],
    ["an indented mark", (line) => ` ${line}`, "org/p/a"],
    ["a mark without its colon", (line) => line.replace("access:", "access"), "org/p/a"],
    [
      "a second line that says something else",
      (line) => `${line}\n${line.replace("theirs", "x")}`,
      "org/p/a",
    ],
    ["no name", (line) => line.replace('"stack":"org/p/a"', '"stack":"org/p'), undefined],
    ["two names", (line) => line.replace('"others"', '"stack":"org/p/b","others'), undefined],
  ];

  test.each(damages)(
    "of another stack is refused, with the stack's name if it can be read: %s",
    (_, damage, stack) => {
      const damaged = live.replace(lineOfA, () => damage(lineOfA));
      expect(damaged).not.toBe(live);
      expect(parseRegistry(damaged)?.damaged.map((line) => line.stack)).toEqual([stack]);
      const name = stack === undefined ? "of a stack whose name is unreadable" : `of the stack ${stack}`;
      expect(() => joinPolicy(damaged, B)).toThrow(name);
      expect(() => joinPolicy(damaged, { ...B, stack: "org/p/c" })).toThrow(name);
      expect(leavePolicy(damaged, B.stack)).toStrictEqual(leave("a line of another stack is damaged in it"));
    },
  );

  test.each(damages.filter(([, , stack]) => stack !== undefined))(
    "of the stack itself is rewritten: %s",
    (_, damage) => {
      const damaged = live.replace(lineOfA, () => damage(lineOfA));
      expect(joinPolicy(damaged, A)).toBe(live);
    },
  );

  test("reports where it is and how to fix it", () => {
    const damaged = live.replace(lineOfA, lineOfA.slice(0, -1));
    expect(() => joinPolicy(damaged, B)).toThrow(
      `1 problem in the shared resource policy; nothing was changed.
  - TA901 the live resource policy: a damaged line in the policy (line 7, of the stack org/p/a): without it, that stack's secrets would be open to every affirming pod
      allowed: one readable line per stack, as this project writes it
      to fix: Run pulumi up of the stack org/p/a first: it rewrites its own line. Or restore the ConfigMap. If that stack no longer exists, delete the line.`,
    );
  });

  test("names a stack without characters that control a terminal", () => {
    const evil = `# trustee-access: stack {"stack":"\u001b[2J\\n\u0060evil","others"`;
    expect(() => joinPolicy(`${live}${evil}\n`, B)).not.toThrow("\u001b");
    expect(() => joinPolicy(`${live}${evil}\n`, B)).toThrow("of a stack whose name is unreadable");
    const read = evil.replace("\u001b", "\\u001b");
    expect(() => joinPolicy(`${live}${read}\n`, B)).toThrow(
      String.raw`of the stack \u{1b}\u{5b}2J\u{a}\u{60}evil)`,
    );
  });

  test("stays when previous digests are removed", () => {
    const during = joinPolicy(live, { ...B, retiring: { ours: { "*": { "azure-vtpm": { b0: "pod2" } } } } });
    expect(retirePolicy(during, B.stack)).toBe(live);
    const damaged = during.replace(lineOfA, lineOfA.slice(0, -1));
    expect(retirePolicy(damaged, B.stack)).toBe(damaged);
  });

  test("never costs another stack its restriction, for any lost or changed letter (property)", () => {
    const at = live.indexOf(lineOfA) + "# trustee-access: stack ".length;
    const end = live.indexOf(lineOfA) + lineOfA.length;
    forAll(
      fc.integer({ min: at, max: end - 1 }),
      fc.constantFrom("", "x", '"', "{", "\n"),
      (index, letter) => {
        const damaged = live.slice(0, index) + letter + live.slice(index + 1);
        const sound = (parseRegistry(damaged)?.stacks ?? []).length === 2;
        if (sound) return;
        expect(() => joinPolicy(damaged, B)).toThrow("a damaged line in the policy");
      },
    );
  });
});
