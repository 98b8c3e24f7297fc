import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  joinSecret,
  leaveSecret,
  withdrawSecrets,
  type SecretResources,
} from "../../../core/kbs-config/entries.ts";
import { mergeGrants, type GrantTable, type StackGrants } from "../../../core/policy/grants.ts";
import { areOfOneStack } from "../../../core/policy/owner.ts";
import { parseRegistry, type Before } from "../../../core/policy/registry.ts";
import { joinPolicy, leavePolicy, leavingSecrets, withLeaving } from "../../../core/policy/share.ts";

const STACK = "org/p/dev";
const STOCK = "package policy\ndefault allow = true\n";
const urn = (name: string): string => `urn:pulumi:dev::p::KbsSecretEntry::${name}`;

const grants = (secrets: GrantTable): StackGrants => ({ stack: STACK, others: "affirming", secrets });
const nobody = (names: readonly string[]): GrantTable => Object.fromEntries(names.map((name) => [name, {}]));

describe("the secrets that a stack gives up", () => {
  const live = joinPolicy(STOCK, grants(nobody(["a", "b", "c"])));

  test("are those in its line or state that it no longer restricts or registers", () => {
    expect(leavingSecrets(live, grants(nobody(["a"])), nobody(["a", "d"]), ["c"])).toEqual(["b", "d"]);
    expect(leavingSecrets(STOCK, grants({}), {}, [])).toEqual([]);
    expect(leavingSecrets(null, grants({}), nobody(["a"]), [])).toEqual(["a"]);
  });

  test("stay restricted in addition to the grants, without readers", () => {
    const own = grants({ a: { "*": { "azure-vtpm": { ["aa".repeat(32)]: "pod1" } } } });
    expect(withLeaving(own, ["b"]).secrets).toEqual({ ...own.secrets, b: {} });
    expect(withLeaving(own, [])).toBe(own);
  });
});

describe("the names that a stack removes from the KbsConfig before its resources do", () => {
  const others = joinSecret({ entries: ["theirs"], ledger: {} }, "shared", "urn:pulumi:other::p::E::shared");
  const both = joinSecret(joinSecret(others, "shared", urn("shared")), "made", urn("made"));

  test("are those that it added and no other stack wants", () => {
    const ours = (owner: string): boolean => areOfOneStack(owner, urn("policy"));
    const left = withdrawSecrets(both, ["made", "shared", "theirs", "nowhere"], ours);
    expect(left).toMatchObject({ entries: ["theirs", "shared"], ledger: others.ledger });
    expect(leaveSecret(left, "made", urn("made"), true)).toEqual(left);
  });
});

/** The cluster, as far as it decides who may read a secret that this stack created. */
interface World {
  readonly policy: Before;
  readonly list: SecretResources;
  readonly secrets: readonly string[];
  /** The secrets that the KBS pods serve: for a while, those of the previous list. */
  readonly served: readonly string[];
}
type Write = (world: World) => World;

const roll: Write = (world) => ({
  ...world,
  served: world.list.entries.filter((name) => world.secrets.includes(name)),
});

/** The writes of one run between two declarations, in the order of their dependencies. */
function run(world: World, declared: readonly string[], wanted: readonly string[]): readonly Write[] {
  const want = grants(nobody(wanted));
  const leaving = leavingSecrets(world.policy, want, nobody(declared), wanted);
  const ours = (owner: string): boolean => areOfOneStack(owner, urn("policy"));
  return [
    (now) => ({ ...now, policy: joinPolicy(now.policy, withLeaving(want, leaving)) }),
    (now) => ({ ...now, list: withdrawSecrets(now.list, leaving, ours) }),
    // It waits for this one.
    roll,
    (now) => ({ ...now, policy: joinPolicy(now.policy, want) }),
    ...wanted.flatMap((name): Write[] => [
      (now) => ({ ...now, secrets: [...new Set([...now.secrets, name])] }),
      (now) => ({ ...now, list: joinSecret(now.list, name, urn(name)) }),
      roll,
    ]),
    ...world.secrets
      .filter((name) => !wanted.includes(name))
      .flatMap((name): Write[] => [
        (now) => ({ ...now, list: leaveSecret(now.list, name, urn(name), true) }),
        (now) => ({ ...now, secrets: now.secrets.filter((one) => one !== name) }),
      ]),
  ];
}

const destroy = (world: World): readonly Write[] => [
  ...world.secrets.flatMap((name): Write[] => [
    (now) => ({ ...now, list: leaveSecret(now.list, name, urn(name), true) }),
    (now) => ({ ...now, secrets: now.secrets.filter((one) => one !== name) }),
  ]),
  roll,
  (now) => {
    const withdrawal = leavePolicy(now.policy, STACK);
    return "content" in withdrawal ? { ...now, policy: withdrawal.content } : now;
  },
];

/** The secrets that every affirming pod can read. */
function open({ policy, served, list, secrets }: World): readonly string[] {
  const restricted = mergeGrants(parseRegistry(policy ?? "")?.stacks ?? []).secrets;
  const live = new Set([...served, ...list.entries.filter((name) => secrets.includes(name))]);
  return [...live].filter((name) => !Object.hasOwn(restricted, name));
}

test("a created secret is never served or listed without its restriction, for any declaration and after any failed write", () => {
  const wanted = fc.option(fc.uniqueArray(fc.constantFrom("a", "b", "c", "__proto__")), { nil: undefined });
  const step = fc.record({ wanted, fails: fc.option(fc.nat(16), { nil: undefined }) });
  let seen = 0;
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 6 }), (steps) => {
      let world: World = {
        policy: STOCK,
        list: { entries: ["sample"], ledger: {} },
        secrets: [],
        served: [],
      };
      let declared: readonly string[] = [];
      for (const { wanted: names, fails } of steps) {
        const writes = names === undefined ? destroy(world) : run(world, declared, names);
        for (const write of writes.slice(0, fails)) {
          world = write(world);
          expect(open(world)).toEqual([]);
          seen += world.served.length;
        }
        const through = fails === undefined || fails >= writes.length;
        if (!through) continue;
        declared = names ?? [];
        expect([...world.list.entries].sort()).toEqual(["sample", ...world.secrets].sort());
        expect([...world.secrets].sort()).toEqual([...declared].sort());
        if (declared.length === 0 && names === undefined) expect(world.policy).toBe(STOCK);
      }
    }),
    { numRuns: 300 },
  );
  // Otherwise the test would prove nothing.
  expect(seen).toBeGreaterThan(100);
});
