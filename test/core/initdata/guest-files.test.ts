import TOML from "@iarna/toml";
import { describe, expect, it } from "vitest";
import { readGuestFiles } from "../../../core/initdata/guest-files.ts";
import { readToml } from "../../../core/initdata/toml-parts.ts";

const cdh = '[kbc]\nname = "cc_kbc"\nurl = "https://kbs.example.com"\n';
const aa = '[token_configs.kbs]\nurl = "https://kbs.example.com"\n';

/** The reported flaws of a document with these files. */
const flaws = (data: Readonly<Record<string, string>>, beside: TOML.JsonMap = {}): readonly string[] =>
  readGuestFiles({ ...beside, data }).flaws.map(({ words }) => words);

describe("the files of a guest's programs", () => {
  const none = (file: string, program: string): string =>
    `there is no ${file} in it, so unless the guest's image names a KBS, its ${program} has none: the pod gets no secret.`;

  it("have no flaw if both lead to a KBS", () => {
    expect(flaws({ "cdh.toml": cdh, "aa.toml": aa })).toEqual([]);
    expect(flaws({ "cdh.toml": '[kbc]\nname = "offline_fs_kbc"\n', "aa.toml": aa })).toEqual([]);
  });

  it("may be missing", () => {
    expect(flaws({ "cdh.toml": cdh })).toEqual([none("aa.toml", "attestation agent")]);
    expect(flaws({})).toEqual([
      none("cdh.toml", "Confidential Data Hub"),
      none("aa.toml", "attestation agent"),
    ]);
  });

  it("may name no KBS", () => {
    expect(
      flaws({ "cdh.toml": "[image]\n", "aa.toml": "[token_configs.coco_as]\nurl = 'https://as'\n" }),
    ).toEqual([
      "its cdh.toml names no KBS (kbc.url): the pod gets no secret. Add [kbc] with name and url.",
      "its aa.toml has only [token_configs.coco_as], and no KBS (token_configs.kbs.url): the pod gets no secret. Add [token_configs.kbs] with its url.",
    ]);
  });

  it("may have their tables in the wrong place", () => {
    const image = { image_security_policy_uri: "kbs:///default/no-such-secret/policy" };
    const words = (place: string): string =>
      `its [image] is ${place}, where the guest does not read it. Move it into its cdh.toml.`;
    expect(flaws({ "cdh.toml": cdh, "aa.toml": aa }, { image })).toEqual([words("outside its cdh.toml")]);
    expect(flaws({ "cdh.toml": cdh, "aa.toml": `${aa}${TOML.stringify({ image })}` })).toEqual([
      words("in its aa.toml"),
    ]);
    expect(readGuestFiles({ image, data: { "cdh.toml": cdh } }).needs).toEqual([]);
  });

  it("may be invalid TOML, each by itself", () => {
    const broken = (file: string, program: string, problem: string): string =>
      `its ${file} is not TOML (${problem}), so the guest's ${program} does not start: the pod gets no secret. Correct it.`;
    const twice = `${aa}${aa}`;
    expect(flaws({ "cdh.toml": "[kbc\n", "aa.toml": twice })).toEqual([
      broken(
        "cdh.toml",
        "Confidential Data Hub",
        "Unexpected character, expected whitespace, . or ] at row 1, col 6",
      ),
      broken("aa.toml", "attestation agent", "Can't redefine existing key at row 3, col 19"),
    ]);
    expect(readGuestFiles({ data: { "cdh.toml": "[kbc\n", "aa.toml": twice } }).endpoints).toEqual([
      { file: "aa.toml", files: ["aa.toml"], url: "https://kbs.example.com" },
    ]);
  });
});

it.each([
  ["a table twice", "[a]\nx = 1\n[a]\ny = 2\n", { a: { x: 1, y: 2 } }],
  ["a key twice", "[a]\nx = 1\nx = 1\ny = 2\n", { a: { x: 1, y: 2 } }],
  ["a text that is not closed", '[a]\nx = "1\ny = 2\n[b]\nz = 3\n', { a: { y: 2 }, b: { z: 3 } }],
  [
    "texts and lists of several lines",
    'a = """\nno]\nx = 1\n"""\nb = [\n  "]",\n  \'[\', # [\n]\n[[c]]\nx = 1\n[[c]]\ny = 2\nz\n',
    { a: "no]\nx = 1\n", b: ["]", "["], c: [{ x: 1 }, { y: 2 }] },
  ],
  ["a list that is not closed", "[a]\nx = [1,\n[b]\ny = 2\n", { a: {}, b: { y: 2 } }],
  ["a text of several lines that is not closed", '[a]\nx = """\nz\n[b]\ny = 2\n', { a: {}, b: { y: 2 } }],
  ["a header that is not closed", "[a\nx = 1\n[b]\ny = 2\n", { b: { y: 2 } }],
])("invalid TOML yields its readable parts: %s", (_, text, table) => {
  const read = readToml(text);
  expect(read.problem).toEqual(expect.stringMatching(/ at row \d+, col \d+$/));
  expect(read.table).toEqual(table);
});
