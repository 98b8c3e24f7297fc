import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { accessChanges, changeLine, changeRecords } from "../../core/access/changes.ts";
import { diffMarkdown } from "../../cli/diff/markdown.ts";
import { diffText, withProgramChanges, type AccessDiff } from "../../cli/diff/diff.ts";
import { accessMatrix, matrixText } from "../../core/access/matrix.ts";
import type { OtherReader } from "../../core/access/other-readers.ts";
import { accessPage } from "../../cli/report/page.ts";
import { matrixSvg } from "../../cli/report/svg.ts";
import { explain } from "../../cli/explain/explain.ts";
import { explanationText } from "../../cli/explain/explanation.ts";
import { junit } from "../../cli/lint/junit.ts";
import { lintCases, lintText } from "../../cli/lint/report.ts";
import { lint } from "../../cli/lint/lint.ts";
import { sarif } from "../../cli/lint/sarif.ts";
import { IssuesError } from "../../core/issues.ts";
import { messageOf } from "../../core/records.ts";
import { readDocument, unwritable } from "../../core/reference-values/document.ts";
import { joinPolicy } from "../../core/policy/share.ts";
import { shownJson, shownName, shownText } from "../../core/shown.ts";
import { base, logOf, withPolicy, withValues } from "../cli/audit/support.ts";
import { check } from "./preflight/support.ts";
import { facts, pcr8, podFixture, referenceValues } from "../fixtures/live-facts.ts";
import { tutorialPage } from "../fixtures/page.ts";
import { forAll } from "../support/for-all.ts";
import { stackGrants } from "../fixtures/grants.ts";

/** Names of objects that could attack a reader of a message. */
const names = fc.oneof(
  fc.string({ unit: "binary", minLength: 1 }),
  fc.constantFrom(
    "\u001b[2J\u001b[H0 errors, 0 warnings, 0 notes (all is well)",
    "s\nFORGED LINE: all is well\n",
    "\u009b31m",
    "\u202Egnp.exe",
    "a\u200bb\ufeff",
    '<img src=x onerror="alert(1)">',
    "[click](https://evil.example) @security-team",
    "s (was: ok; will be: @team <!-- ",
    "`| **bold** |`",
    "![x](https://evil.example/x.png)",
    "x]]>&amp;",
    "__proto__",
  ),
);

/** A character that controls a terminal, changes the text direction or is invisible. */
const UNSEEN = /(?!\n)\p{C}|[\p{Zl}\p{Zp}]/u;
const STACK = "organization/trustee-access/dev";

describe("names in a cluster", () => {
  it("are shown with plain characters only, and showing them again changes nothing", () => {
    forAll(names, (name) => {
      const shown = shownName(name);
      expect(shown).toMatch(/^(?:[\w.*/@:+ ()-]|\\u\{[0-9a-f]+\})*\\?(?:u\{?[0-9a-f]*)?(?:\.\.\.)?$/);
      expect(shownName(shown)).toBe(shown);
      expect(UNSEEN.test(shownText(name))).toBe(false);
      expect(JSON.parse(shownJson({ name }))).toEqual({ name });
      expect(UNSEEN.test(shownJson({ name }))).toBe(false);
    });
  });

  it("forge no line, link or element in a finding of trustee-access lint, in any format", () => {
    forAll(names, names, names, (name, reader, stack) => {
      const policy = joinPolicy("package policy\n", {
        ...{ stack, others: "affirming" },
        secrets: Object.fromEntries([[name, { "*": { "azure-vtpm": { ["a".repeat(64)]: reader } } }]]),
      });
      const trustee = {
        ...withValues(
          referenceValues([
            [`${name}_pcr08`, name, ["0".repeat(64), name]],
            [`${name} init_data`, "2020-01-01T00:00:00Z", [name]],
          ]),
        ),
        kbsConfig: { name: "kbs-config", secrets: [name] },
        secrets: [{ name, exists: false }],
        policy: withPolicy(policy).policy,
      };
      const pods = [podFixture("pod1", { annotated: { at: 4e9, by: name } })];
      const findings = lint(facts(trustee, pods));
      expect(findings.length).toBeGreaterThan(3);
      const scope = { namespace: "n", generation: "0.18", pods: 1 };
      const text = lintText(findings, scope);
      expect(text.split("\n")).toHaveLength(5 * findings.length + 1);
      const document = sarif(findings, "1") as {
        readonly runs: readonly {
          readonly results: readonly { readonly message: { readonly text: string } }[];
        }[];
      };
      const messages = document.runs.flatMap(({ results }) => results.map(({ message }) => message.text));
      expect(messages.join("\n")).not.toMatch(/(?<!\\)\]\(/);
      const xml = junit("lint", lintCases(findings, "note"));
      const page = accessPage({ ...tutorialPage, findings });
      const [known] = tutorialPage.findings ?? [];
      const plain = accessPage({
        ...tutorialPage,
        findings: known === undefined ? [] : findings.map(({ severity }) => ({ ...known, severity })),
      });
      expect(tags(page)).toEqual(tags(plain));
      for (const shown of [text, ...messages, xml, page]) expect(UNSEEN.test(shown)).toBe(false);
    });
  });

  it("forge nothing in an explanation, or in the log that it quotes", () => {
    forAll(names, names, (name, line) => {
      const trustee = {
        ...withValues(referenceValues([[`${name}_pcr08`, name, [pcr8.pod3]]])),
        kbsConfig: { name: "kbs-config", secrets: [name] },
      };
      const log = [
        ...logOf("[ERROR kbs::error] PolicyDeny"),
        {
          at: 1,
          text: `${line.replaceAll("\n", "")} "GET /kbs/v0/resource/default/p2-secret/secret HTTP/1.1" 401`,
        },
      ];
      const explanation = explain({ ...base, trustee, log: [log] });
      const plain = explain({
        ...base,
        trustee: {
          ...withValues(referenceValues([["n_pcr08", name, [pcr8.pod3]]])),
          kbsConfig: { name: "kbs-config", secrets: ["n"] },
        },
        log: [
          [
            ...logOf("[ERROR kbs::error] PolicyDeny"),
            { at: 1, text: 'x "GET /kbs/v0/resource/default/p2-secret/secret HTTP/1.1" 401' },
          ],
        ],
      });
      const [text, other] = [explanation, plain].map(explanationText);
      expect(UNSEEN.test(text ?? "")).toBe(false);
      expect(explanation.conditions.map(({ id }) => id)).toEqual(plain.conditions.map(({ id }) => id));
      if (explanation.log !== undefined && plain.log !== undefined) {
        expect(text?.split("\n")).toHaveLength(other?.split("\n").length ?? 0);
      }
    });
  });

  it("forge nothing in a change of access, on a terminal or in a pull request's comment", () => {
    /** Everything reported about a policy with such names of a secret, a key, a pod and another stack. */
    const reportOn = (secret: string, pod: string, stack: string) => {
      const live = joinPolicy(
        joinPolicy("package policy\n", {
          ...{ stack, others: "affirming" },
          secrets: { mine: { "*": { "azure-vtpm": { ["b".repeat(64)]: pod } } } },
        }),
        stackGrants(STACK, Object.fromEntries([[secret, { [secret]: { "azure-vtpm": { a: pod } } }]])),
      ).replace("default allow = false", "default allow = true");
      const own = { stack: STACK, others: "affirming", secrets: { mine: {} } } as const;
      const matrix = accessMatrix(
        own,
        [{ pod: "web", namespace: "n", initData: "c", binding: "azure-vtpm" }],
        [{ secret: "mine", key: "k" }],
      );
      const found = accessChanges(live, own, matrix, ["web"]);
      const other: OtherReader = {
        ...{ stack, reader: pod, secret, key: secret },
        initData: pod,
        binding: "sample",
        former: true,
      };
      const difference: AccessDiff = {
        changes: withProgramChanges([], changeRecords(["edited"], found)),
        initdata: [{ pod, files: [secret], wider: [pod, secret] }],
        otherReaders: [other],
        doubts: ["edited"],
      };
      const report = { [`p${pod}`]: { [`p${secret}`]: "granted" } } as const;
      return {
        text: [diffText(difference), ...found.map(changeLine), ...matrixText(matrix, [other])].join("\n"),
        markdown: diffMarkdown(report, difference),
        changes: difference.changes.length,
      };
    };
    forAll(names, names, names, (secret, pod, stack) => {
      fc.pre(stack !== STACK && secret !== "mine" && pod !== "web" && pod !== secret && secret !== "*");
      const hostile = reportOn(secret, pod, stack);
      const plain = reportOn("s", "p", "t");
      expect(UNSEEN.test(hostile.text + hostile.markdown)).toBe(false);
      expect(hostile.changes).toBe(plain.changes);
      expect(hostile.text.split("\n")).toHaveLength(plain.text.split("\n").length);
      // Every name is inline code and does not end it; everything else is this program's own text.
      const frame = (markdown: string): string => markdown.replaceAll(/`[^`\n]*`/g, "``");
      expect(frame(hostile.markdown).split("\n").sort()).toEqual(frame(plain.markdown).split("\n").sort());
    });
  });

  it("forge nothing in a warning or a problem of a preview", () => {
    /** What a preview says about reference values and Secrets with such names and values. */
    const previewOf = (name: string, value: string, missing: string) => {
      const term = { expiration: "2030-01-01T00:00:00Z" };
      const list = [
        { ...term, name, value: [value, value] },
        { ...term, name: "snp_pcr08", value: [] },
      ];
      const map = { [name]: 1 };
      const said = check(
        { secrets: [{ name: "db", keys: ["key", "other"] }] },
        {
          referenceValues: JSON.stringify(list),
          secretKeys: { db: ["key", missing] },
        },
      );
      const problem = (act: () => unknown): string => {
        try {
          act();
          return "";
        } catch (error) {
          return messageOf(error);
        }
      };
      const key = "reference_value";
      const entry = { name, expiration: "", values: [], at: 0, json: "", flaw: "is not base64url" };
      return [
        ...said.warnings,
        problem(() => readDocument(key, JSON.stringify(map))),
        unwritable({ key, format: "map" }, { ...entry, form: "unread" }).message,
        unwritable({ key, format: "map" }, { ...entry, form: "other" }).message,
      ];
    };
    const plain = previewOf("n", "v", "k");
    expect(plain).toHaveLength(5);
    forAll(names, names, names, (name, value, missing) => {
      fc.pre(missing !== "other" && name !== "snp_pcr08" && name !== "__proto__");
      const hostile = previewOf(name, value, missing);
      expect(hostile).toHaveLength(plain.length);
      for (const line of hostile) expect(UNSEEN.test(line) || line.includes("\n")).toBe(false);
      expect(hostile[1]).not.toMatch(/[<>`\]]/);
    });
  });

  it("forge nothing in a problem of the live state, or in a picture", () => {
    forAll(names, (name) => {
      const problem = { code: "TA602" as const, path: name, given: name, allowed: name, fix: name };
      const { message } = new IssuesError("the settings", [problem, problem]);
      expect(message.split("\n")).toHaveLength(7);
      expect(UNSEEN.test(message)).toBe(false);
      const matrix = accessMatrix(
        { others: "affirming", secrets: {} },
        [{ pod: name, namespace: name, initData: name, binding: "sample" }],
        [{ secret: name, key: name }],
      );
      const plain = accessMatrix(
        { others: "affirming", secrets: {} },
        [{ pod: "p", namespace: "n", initData: "i", binding: "sample" }],
        [{ secret: "s", key: "k" }],
      );
      const picture = matrixSvg(matrix, { id: "picture" });
      // In a document, tabs and line breaks are spaces.
      expect(UNSEEN.test(picture.replaceAll(/[\t\r]/g, " "))).toBe(false);
      expect(tags(picture)).toEqual(tags(matrixSvg(plain, { id: "picture" })));
    });
  });
});

/** The elements of a document, by name. */
function tags(document: string): readonly string[] {
  return [...document.matchAll(/<\/?[a-z!]\w*/gi)].map(([tag]) => tag);
}
