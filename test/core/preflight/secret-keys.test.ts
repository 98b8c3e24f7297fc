import { expect, it } from "vitest";
import { check } from "./support.ts";

const change = {
  secrets: [
    { name: "db", keys: ["user", "pasword"] },
    { name: "made", keys: ["k"], from: "generate" },
    { name: "unseen", keys: ["k"] },
    { name: "other", keys: ["k", "x"] },
  ],
  grants: [
    { pod: "a", secret: "db", key: "pasword" },
    { pod: "b", secret: "db", key: "user" },
    { pod: "b", secret: "db", key: "pasword" },
    { pod: "a", secret: "other" },
  ],
};

it("a key that an existing Secret lacks is reported, with its keys and its grants", () => {
  const secretKeys = { db: ["password", "user"], made: ["old"], other: ["k"] };
  const { warnings, issues } = check(change, { secretKeys });
  expect({ warnings, issues }).toEqual({
    warnings: [
      'secrets[0].keys[1]: "pasword" is not a key of the Secret "db", which has password, user: no pod can read it. Correct it (and grants[0].key, grants[2].key), or add the key to the Secret.',
      'secrets[3].keys[1]: "x" is not a key of the Secret "other", which has k: no pod can read it. Correct it, or add the key to the Secret.',
    ],
    issues: [],
  });
});

it("nothing is reported if the keys are unknown", () => {
  expect(check(change).warnings).toEqual([]);
});
