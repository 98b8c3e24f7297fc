import { describe, expect, test } from "vitest";
import { EMPTY_LEDGER, readLedgers, writeLedgers } from "../../../core/reference-values/ledger.ts";
import {
  joinReferenceValues,
  leaveReferenceValues,
  type JoinRequest,
} from "../../../core/reference-values/merge.ts";

const A = "aa".repeat(32);
const B = "bb".repeat(32);
const C = "cc".repeat(32);
const expiration = "2027-11-23T00:00:00Z";

function request(
  live: string | null,
  digests: readonly string[],
  more: Partial<JoinRequest> = {},
): JoinRequest {
  return {
    key: "reference-values.json",
    live,
    ledger: EMPTY_LEDGER,
    owner: "a",
    wanted: { snp_pcr08: digests },
    terms: { snp_pcr08: { expiration, renewBefore: "" } },
    ...more,
  };
}

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");

describe("formatting", () => {
  test("as jq writes it, the tutorial's way", () => {
    const live = JSON.stringify(
      [
        { name: "snp_pcr08", expiration, value: [B], x: 1 },
        { name: "n", expiration, value: [] },
      ],
      null,
      2,
    );
    expect(joinReferenceValues(request(live, [A])).content).toBe(
      JSON.stringify(
        [
          { name: "snp_pcr08", expiration, value: [B, A], x: 1 },
          { name: "n", expiration, value: [] },
        ],
        null,
        2,
      ),
    );
  });

  test("odd layouts stay, tabs and CRLF too", () => {
    const live = `[\r\n\t{ "value": [ "${B}" ],\r\n\t\t"name":"snp_pcr08",   "expiration": "${expiration}" } ]\r\n`;
    expect(joinReferenceValues(request(live, [A])).content).toBe(
      `[\r\n\t{ "value": [ "${B}", "${A}" ],\r\n\t\t"name":"snp_pcr08",   "expiration": "${expiration}" } ]\r\n`,
    );
  });

  test.each([
    ["nothing", null],
    ["an empty text", ""],
    ["what 0.18 installs", "[\n]\n"],
    ["[]", "[]"],
  ])("a new entry in %s is laid out over lines", (_, live) => {
    const end = live?.endsWith("\n") === true ? "\n" : "";
    expect(joinReferenceValues(request(live, [A])).content).toBe(
      JSON.stringify([{ name: "snp_pcr08", expiration, value: [A] }], null, 2) + end,
    );
  });

  test("a new entry beside others is laid out as they are", () => {
    const one = '[{"name":"n","expiration":"x","value":[]}]';
    expect(joinReferenceValues(request(one, [A])).content).toBe(
      `[{"name":"n","expiration":"x","value":[]},{"name":"snp_pcr08","expiration":"${expiration}","value":["${A}"]}]`,
    );
  });

  test("0.21: base64url, padded, of JSON", () => {
    const { content } = joinReferenceValues(request("{\n}\n", [A], { key: "reference_value" }));
    const json = `{"version":"0.1.0","name":"snp_pcr08","expiration":"${expiration}","value":["${A}"]}`;
    const encoded = Buffer.from(json).toString("base64").replaceAll("+", "-").replaceAll("/", "_");
    expect(content).toBe(`{\n  "snp_pcr08": "${encoded}"\n}\n`);
  });
});

describe("what others have", () => {
  test("a digest that was there before stays when we go", () => {
    const live = JSON.stringify([{ name: "snp_pcr08", expiration, value: [B, A] }]);
    const joined = joinReferenceValues(request(live, [A, C]));
    expect(joined.content).toBe(JSON.stringify([{ name: "snp_pcr08", expiration, value: [B, A, C] }]));
    expect(joined.ownership).toStrictEqual({ added: { snp_pcr08: [C] }, created: {}, before: live });
    const edited = JSON.stringify([{ name: "snp_pcr08", expiration, value: [A, C], note: "theirs" }]);
    expect(
      leaveReferenceValues({
        key: "reference-values.json",
        live: edited,
        ledger: joined.ledger,
        owner: "a",
        remembered: joined.ownership,
      }),
    ).toStrictEqual({
      content: JSON.stringify([{ name: "snp_pcr08", expiration, value: [A], note: "theirs" }]),
      ledger: EMPTY_LEDGER,
    });
  });

  test("a name twice in a map: both get the digest", () => {
    const entry = (value: string) =>
      encode({ version: "0.1.0", name: "snp_pcr08", expiration, value: [value] });
    const live = `{"snp_pcr08":"${entry(B)}","snp_pcr08":"${entry(C)}"}`;
    const { content } = joinReferenceValues(request(live, [A], { key: "reference_value" }));
    const decoded = [...(content ?? "").matchAll(/:"([^"]+)"/g)].map(
      ([, one]) => (JSON.parse(Buffer.from(one ?? "", "base64url").toString()) as { value: unknown }).value,
    );
    expect(decoded).toStrictEqual([
      [B, A],
      [C, A],
    ]);
  });
});

describe("expiry", () => {
  const created = joinReferenceValues(request("[]", [A]));

  test("an entry that we created is renewed before it expires, and reset where somebody changed it", () => {
    const again = (live: string | null, renewBefore: string) =>
      joinReferenceValues(
        request(live, [A], {
          ledger: created.ledger,
          remembered: created.ownership,
          terms: { snp_pcr08: { expiration: "2029-01-01T00:00:00Z", renewBefore } },
        }),
      );
    expect(again(created.content, "2027-11-22T00:00:00Z").content).toBe(created.content);
    const renewed = again(created.content, "2027-11-24T00:00:00Z");
    expect(renewed.content).toBe(created.content?.replace(expiration, "2029-01-01T00:00:00Z"));
    expect(renewed.ownership.created).toStrictEqual({ snp_pcr08: "2029-01-01T00:00:00Z" });
    expect(again(created.content?.replace(expiration, "2020-01-01T00:00:00Z") ?? null, "").content).toBe(
      created.content,
    );
  });

  test("somebody else's entry is never renewed", () => {
    const live = JSON.stringify([{ name: "snp_pcr08", expiration: "2020-01-01T00:00:00Z", value: [] }]);
    const terms = { snp_pcr08: { expiration, renewBefore: "2027-01-01T00:00:00Z" } };
    expect(joinReferenceValues(request(live, [A], { terms })).content).toBe(
      JSON.stringify([{ name: "snp_pcr08", expiration: "2020-01-01T00:00:00Z", value: [A] }]),
    );
  });

  test("when its creator goes, another stack that uses the entry keeps it from expiring", () => {
    const both = joinReferenceValues(request(created.content, [B], { ledger: created.ledger, owner: "b" }));
    const left = leaveReferenceValues({
      key: "reference-values.json",
      live: both.content ?? "",
      ledger: both.ledger,
      owner: "a",
      remembered: created.ownership,
    });
    expect(left.ledger.created).toStrictEqual({ snp_pcr08: { owner: "b", expiration } });
    const next = joinReferenceValues(
      request(left.content, [B], {
        ledger: left.ledger,
        owner: "b",
        remembered: both.ownership,
        terms: { snp_pcr08: { expiration: "2029-01-01T00:00:00Z", renewBefore: "2028" } },
      }),
    );
    expect(next.ownership.created).toStrictEqual({ snp_pcr08: "2029-01-01T00:00:00Z" });
  });
});

describe("others move what is there", () => {
  const entry = (name: string, value: readonly string[], until = expiration): object => ({
    name,
    expiration: until,
    value,
  });
  const list = (...entries: readonly object[]): string => JSON.stringify(entries);
  const THEIR_DATE = "2031-01-01T00:00:00Z";
  const key = "reference-values.json";

  test("an entry of the same name before ours: our previous digest goes from ours, and with us the entry", () => {
    const first = joinReferenceValues(request("[]", [A]));
    const theirs = entry("snp_pcr08", ["x"], THEIR_DATE);
    const live = list(theirs, entry("snp_pcr08", [A]));
    const rotated = joinReferenceValues(
      request(live, [B], { ledger: first.ledger, remembered: first.ownership }),
    );
    expect(rotated.content).toBe(list(entry("snp_pcr08", ["x", B], THEIR_DATE), entry("snp_pcr08", [B])));
    const left = leaveReferenceValues({
      key,
      live: rotated.content ?? "",
      ledger: rotated.ledger,
      owner: "a",
      remembered: rotated.ownership,
    });
    expect(left).toStrictEqual({ content: list(theirs), ledger: EMPTY_LEDGER });
  });

  test("the first entry of a name is taken out: our digest goes from the one that remains", () => {
    const theirs = [entry("snp_pcr08", ["x"], THEIR_DATE), entry("snp_pcr08", ["y"])];
    const joined = joinReferenceValues(request(list(...theirs), [A]));
    const live = list(entry("snp_pcr08", ["y", A]));
    const { ledger, ownership: remembered } = joined;
    const left = leaveReferenceValues({ key, live, ledger, owner: "a", remembered });
    expect(left.content).toBe(list(entry("snp_pcr08", ["y"])));
  });

  test("an entry of theirs that has a digest of ours too keeps it, wherever they put it", () => {
    const { ledger, ownership: remembered } = joinReferenceValues(request("[]", [A]));
    const theirs = entry("snp_pcr08", [A], THEIR_DATE);
    for (const live of [list(theirs, entry("snp_pcr08", [A])), list(entry("snp_pcr08", [A]), theirs)]) {
      const left = leaveReferenceValues({ key, live, ledger, owner: "a", remembered });
      expect(left.content).toBe(list(theirs));
    }
  });

  test.each(["snp_pcr08 (2)", "constructor", "__proto__"])(
    "an entry of ours called %s goes with us",
    (name) => {
      const wanted = Object.fromEntries([[name, [A]]]);
      const terms = Object.fromEntries([[name, { expiration, renewBefore: "" }]]);
      const theirs = list(entry("snp_pcr08", ["x"]), entry("snp_pcr08", ["y"]));
      const joined = joinReferenceValues(request(theirs, [], { wanted, terms }));
      expect(JSON.parse(joined.content ?? "")).toStrictEqual([
        entry("snp_pcr08", ["x"]),
        entry("snp_pcr08", ["y"]),
        entry(name, [A]),
      ]);
      const stored = readLedgers(writeLedgers({ [key]: joined.ledger }) ?? undefined)[key] ?? EMPTY_LEDGER;
      const left = leaveReferenceValues({
        key,
        live: joined.content ?? "",
        ledger: stored,
        owner: "a",
        remembered: joined.ownership,
      });
      expect(left).toStrictEqual({ content: theirs, ledger: EMPTY_LEDGER });
    },
  );

  describe("by a record of an older release, which counted the entries of a name", () => {
    const theirs = [entry("snp_pcr08", ["x"], THEIR_DATE), entry("snp_pcr08", [A, "y"])];
    const digests = { snp_pcr08: [A, B], "snp_pcr08 (2)": [B] };
    const old = { before: list(...theirs), added: digests, created: {}, owners: { a: digests } };
    const live = list(entry("snp_pcr08", ["x", A, B], THEIR_DATE), entry("snp_pcr08", [A, "y", B]));
    const remembered = { added: digests, created: {}, before: list(...theirs) };

    test("nothing changes where nothing has to, the record neither", () => {
      expect(joinReferenceValues(request(live, [A, B], { ledger: old, remembered }))).toStrictEqual({
        content: live,
        ledger: old,
        ownership: { ...remembered, added: { snp_pcr08: [A, B] } },
      });
    });

    test("a change takes out what is ours alone, and brings the record up to date", () => {
      const { content, ledger } = joinReferenceValues(request(live, [C], { ledger: old, remembered }));
      expect(content).toBe(list(entry("snp_pcr08", ["x", C], THEIR_DATE), entry("snp_pcr08", [A, "y", C])));
      expect(ledger).toStrictEqual({
        before: list(...theirs),
        added: { snp_pcr08: [C] },
        created: {},
        owners: { a: { snp_pcr08: [C] } },
        theirs: {},
      });
    });

    test("an entry that has come before them has nothing of ours in it", () => {
      const added = entry("snp_pcr08", [A], "2032-01-01T00:00:00Z");
      const now = list(added, entry("snp_pcr08", ["x", A, B], THEIR_DATE), entry("snp_pcr08", [A, "y", B]));
      const left = leaveReferenceValues({ key, live: now, ledger: old, owner: "a", remembered });
      expect(left).toStrictEqual({ content: list(added, ...theirs), ledger: EMPTY_LEDGER });
    });

    test("what ours was in the text from before, as after an upgrade of Trustee, is taken out all the same", () => {
      const ledger = { ...old, before: live };
      const state = { ...remembered, before: live };
      const left = leaveReferenceValues({ key, live, ledger, owner: "a", remembered: state });
      expect(left.content).toBe(list(...theirs));
    });

    test("an entry whose name looks like a count is one where it is there", () => {
      const [named, z] = [{ "snp_pcr08 (2)": [B] }, "snp_pcr08 (2)"];
      const before = list(...theirs, entry(z, ["z"]));
      const ledger = { before, added: named, created: {}, owners: { a: named } };
      const now = list(...theirs, entry(z, ["z", B]));
      const left = leaveReferenceValues({
        key,
        live: now,
        ledger,
        owner: "a",
        remembered: { added: named, created: {}, before },
      });
      expect(left.content).toBe(before);
    });
  });
});

describe("an expiration that no Trustee could read", () => {
  test("is never written: an entry is not made without a term", () => {
    const without = (terms: JoinRequest["terms"]) => () => joinReferenceValues(request("[]", [A], { terms }));
    for (const wrong of ["", "2027", "2027-11-23T00:00:00+01:00", "2027-13-23T00:00:00Z"]) {
      expect(without({ snp_pcr08: { expiration: wrong, renewBefore: "" } })).toThrow(
        `the reference value "snp_pcr08" was to be written with the expiration "${wrong}"`,
      );
    }
    expect(without({})).toThrow('was to be written with the expiration ""');
  });

  test("in an entry of ours, as an older release left one, is replaced by the next of us, whoever made it", () => {
    const live = JSON.stringify([{ name: "snp_pcr08", expiration: "", value: [A] }]);
    const ledger = {
      before: "[]",
      added: { snp_pcr08: [A] },
      created: { snp_pcr08: { owner: "b", expiration: "" } },
      owners: { b: { snp_pcr08: [A] } },
    };
    const joined = joinReferenceValues(request(live, [C], { ledger }));
    expect(joined.content).toBe(JSON.stringify([{ name: "snp_pcr08", expiration, value: [A, C] }]));
    expect(joined.ledger.created).toStrictEqual({ snp_pcr08: { owner: "b", expiration } });
  });

  test("in the record alone is not brought back", () => {
    const created = joinReferenceValues(request("[]", [A]));
    const forged = { ...created.ledger, created: { snp_pcr08: { owner: "a", expiration: "soon" } } };
    const terms = { snp_pcr08: { expiration: "2029-01-01T00:00:00Z", renewBefore: "" } };
    const joined = joinReferenceValues(request(created.content, [A], { ledger: forged, terms }));
    expect(joined.content).toBe(created.content?.replace(expiration, "2029-01-01T00:00:00Z"));
  });
});

describe("malformed", () => {
  test.each([
    ["[", "reference-values.json", "it is not JSON (at character 1)"],
    ["{}", "reference-values.json", "it holds an object, as the other generation of Trustee does"],
    ["7", "reference-values.json", "it holds a number"],
    ['[{"name":"n","expiration":"x"}]', "reference-values.json", 'entry [0] has no list under "value"'],
    ['[{"name":"n","value":[]}]', "reference-values.json", 'entry [0] has no "expiration"'],
    ["[7]", "reference-values.json", "entry [0] is not an object"],
    ["[]", "reference_value", "it holds a list, as the other generation of Trustee does"],
    ['{"n": 7}', "reference_value", 'entry "n" is not base64url'],
    ['{"n": "!!"}', "reference_value", 'entry "n" is not base64url'],
    ['{"n": "e30"}', "reference_value", 'entry "n" has no "name"'],
    ['{"n": "eyI"}', "reference_value", 'entry "n" is base64url, but of no JSON'],
  ])("%s under %s", (live, key, problem) => {
    const wanted =
      key === "reference_value"
        ? 'a JSON object of name -> base64url of JSON {"version", "name", "expiration", "value": [..]}'
        : 'a JSON list of {"name", "expiration", "value": [..]}';
    expect(() => joinReferenceValues(request(live, [A], { key }))).toThrow(
      `The reference values under the key "${key}" cannot be read: ${problem}. Trustee reads ${wanted} there. `,
    );
  });
});

describe("the ledger's annotation", () => {
  test("is gone when nobody has anything", () => {
    expect(writeLedgers({ "reference-values.json": EMPTY_LEDGER })).toBeNull();
  });

  test("leaves out a text from before that is too long for it; then the state remembers", () => {
    const live = JSON.stringify([{ name: "n", expiration, value: ["x".repeat(70_000)] }]);
    const joined = joinReferenceValues(request(live, [A]));
    const annotation = writeLedgers({ "reference-values.json": joined.ledger });
    expect(annotation?.length).toBeLessThan(1_000);
    const ledger = readLedgers(annotation ?? undefined)["reference-values.json"];
    expect(
      leaveReferenceValues({
        key: "reference-values.json",
        live: joined.content ?? "",
        ledger: ledger ?? EMPTY_LEDGER,
        owner: "a",
        remembered: joined.ownership,
      }).content,
    ).toBe(live);
  });

  test.each([undefined, "", "{", "7", "[]", '{"k":{}}', '{"k":{"added":7,"created":{},"owners":{}}}'])(
    "%s is read as none",
    (annotation) => {
      expect(readLedgers(annotation)).toStrictEqual({});
    },
  );
});
