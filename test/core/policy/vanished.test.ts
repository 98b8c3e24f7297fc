import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { listGrants, mergeGrants, type GrantTable, type StackGrants } from "../../../core/policy/grants.ts";
import { parseRegistry, type Before } from "../../../core/policy/registry.ts";
import { joinPolicy, leavePolicy } from "../../../core/policy/share.ts";
import {
  readStackRecords,
  recordOf,
  recordsAfter,
  recordsBefore,
  withoutRecord,
  writeStackRecords,
} from "../../../core/policy/stack-records.ts";
import { NOTHING_BEHIND, foreignVanished, vanishedStacks } from "../../../core/policy/vanished.ts";
import { forAll } from "../../support/for-all.ts";
import { allKeys } from "../../fixtures/grants.ts";

const STOCK = "package policy\ndefault allow = true\n";
const stacks = ["org/p/a", "org/p/b", "org/p/c"] as const;

const line = (stack: string, secrets: GrantTable): StackGrants => ({ stack, others: "affirming", secrets });

/** A Trustee that several stacks share, as the provider leaves it. */
class Shared {
  live: Before = STOCK;
  records: string | null = null;
  backup = "";
  /** The secrets that each joined stack restricts. */
  readonly wanted = new Map<string, readonly string[]>();

  up(own: StackGrants): void {
    const behind = {
      ...NOTHING_BEHIND,
      records: this.#records(),
      backups: [{ where: "the backup", text: this.backup }],
    };
    const vanished = foreignVanished(this.live, behind, own).map((one) => one.line);
    const text = joinPolicy(this.live, own, undefined, undefined, vanished);
    const before = recordsBefore(this.#records(), own, parseRegistry(text)?.stacks ?? []);
    this.live = text;
    this.records = writeStackRecords(recordsAfter(before, own));
    this.wanted.set(own.stack, Object.keys(own.secrets));
  }

  destroy(stack: string): void {
    const left = leavePolicy(this.live, stack);
    if ("content" in left) this.live = left.content;
    this.records = writeStackRecords(withoutRecord(this.#records(), { stack }));
    this.wanted.delete(stack);
  }

  /** What Red Hat's operator does, or a person by mistake. */
  lose(keepsBackup: boolean): void {
    if (keepsBackup) this.backup = this.live ?? "";
    this.live = STOCK;
  }

  get restricted(): GrantTable {
    return mergeGrants(parseRegistry(this.live ?? "")?.stacks ?? []).secrets;
  }

  #records() {
    return readStackRecords(this.records ?? undefined);
  }
}

const secrets = fc.dictionary(
  fc.constantFrom("s1", "s2", "s3"),
  fc.constantFrom({}, allKeys({ ["aa".repeat(32)]: "pod" }), {
    key: { "azure-vtpm": { ["bb".repeat(32)]: "other" } },
  }),
);
const stack = fc.constantFrom(...stacks);
const step = fc.oneof(
  fc.record({ kind: fc.constant("up" as const), stack, secrets }),
  fc.record({ kind: fc.constant("destroy" as const), stack }),
  fc.record({ kind: fc.constant("lose" as const), keepsBackup: fc.boolean() }),
);

describe("stacks whose shared policy loses their lines", () => {
  test("restrict all their secrets again after any up, and no secret of a stack that left", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        const shared = new Shared();
        for (const one of steps) {
          if (one.kind === "lose") shared.lose(one.keepsBackup);
          else if (one.kind === "destroy") shared.destroy(one.stack);
          else {
            shared.up(line(one.stack, one.secrets));
            const expected = new Set([...shared.wanted.values()].flat());
            expect(Object.keys(shared.restricted)).toEqual([...expected].sort());
          }
        }
      }),
      {
        examples: [
          // The backup is older than the stack's removal of its secret.
          [
            [
              { kind: "up", stack: "org/p/a", secrets: { s1: {} } },
              { kind: "lose", keepsBackup: true },
              { kind: "up", stack: "org/p/a", secrets: {} },
              { kind: "lose", keepsBackup: false },
              { kind: "up", stack: "org/p/b", secrets: {} },
            ],
          ],
        ],
      },
    );
  });

  test("regain only grants that the lost line had", () => {
    forAll(secrets, secrets, fc.boolean(), (old, lost, keepsBackup) => {
      const shared = new Shared();
      shared.up(line("org/p/a", old));
      shared.lose(true);
      shared.up(line("org/p/a", lost));
      shared.lose(keepsBackup);
      shared.up(line("org/p/b", {}));
      const found = parseRegistry(shared.live ?? "")?.stacks.find((one) => one.stack === "org/p/a");
      for (const grant of listGrants(found?.secrets ?? {})) expect(listGrants(lost)).toContainEqual(grant);
    });
  });
});

describe("the records", () => {
  const a = line("org/p/a", { s: allKeys({ ["aa".repeat(32)]: "pod1" }) });

  test("name the secrets that a stack restricts, and distinguish its grants, without previous digests", () => {
    expect(recordOf(a)).toMatchObject({ stack: "org/p/a", others: "affirming", secrets: ["s"] });
    expect(recordOf({ ...a, retiring: { s: allKeys({ ["cc".repeat(32)]: "pod1" }) }, owner: "0" })).toEqual(
      recordOf(a),
    );
    expect(recordOf(line("org/p/a", { s: {} })).grants).not.toBe(recordOf(a).grants);
  });

  test.each([
    "{",
    "[]",
    "{}",
    '[{"stack":"org/p/a"}]',
    '[{"stack":1,"others":"deny","secrets":[],"grants":""}]',
  ])("%s are empty if damaged like this", (annotation) => {
    expect(readStackRecords(annotation)).toEqual([]);
  });

  test("an unreadable line is damaged, not lost", () => {
    const live = joinPolicy(STOCK, a).replace('"others":"affirming",', '"others":"affirming"');
    expect(parseRegistry(live)?.damaged).toHaveLength(1);
    expect(vanishedStacks(live, { ...NOTHING_BEHIND, records: [recordOf(a)] })).toEqual([]);
  });
});
