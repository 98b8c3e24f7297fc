import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { accessMatrix, accessReport, matrixOfReport } from "../../../core/access/matrix.ts";
import { otherReaderLine } from "../../../core/access/other-readers.ts";
import { accessPage } from "../../../cli/report/page.ts";
import { escapeText } from "../../../cli/report/svg.ts";
import { matrixSvg } from "../../../cli/report/svg.ts";
import { tutorialPage } from "../../fixtures/page.ts";
import { forAll } from "../../support/for-all.ts";

describe("the report", () => {
  it("is this page, byte for byte", () =>
    expect(accessPage(tutorialPage)).toMatchFileSnapshot("../../fixtures/report.html"));

  it("is this picture, byte for byte", () =>
    expect(matrixSvg(tutorialPage.matrix, { title: tutorialPage.stack })).toMatchFileSnapshot(
      "../../fixtures/report.svg",
    ));

  it("names no other URL than the KBS's and the namespace of SVG", () => {
    const named = [...accessPage(tutorialPage).matchAll(/[a-z]+:\/\/[^"'\s<)]+/g)].map(([url]) => url);
    expect([...new Set(named)]).toEqual(["https://kbs.example.com", "http://www.w3.org/2000/svg"]);
  });

  it("shows no remaining times if no current time is given", () => {
    const { at: _, ...timeless } = tutorialPage;
    const page = accessPage(timeless);
    expect(page).not.toMatch(/left<|expired<|Made at/);
    expect(page).toContain("2026-01-20T00:00:00Z");
  });

  it.each([
    [undefined, "Trustee was not audited for this page."],
    [[], "nothing found"],
  ] as const)("distinguishes an audit without findings from no audit: %s", (findings, words) => {
    const { findings: _, ...rest } = tutorialPage;
    expect(accessPage({ ...rest, ...(findings === undefined ? {} : { findings }) })).toContain(words);
  });

  it("shows readers by other stacks' grants, if there are any", () => {
    expect(accessPage(tutorialPage)).not.toContain("Also read by");
    const other = {
      stack: "o/p/x",
      reader: "<b>",
      secret: "p2-secret",
      key: "*",
      initData: "<i>",
      binding: "azure-vtpm" as const,
      former: true,
    };
    const page = accessPage({ ...tutorialPage, otherReaders: [other] });
    expect(page).toContain(
      '<tr><th scope="row">\\u{3c}b\\u{3e} (former initdata) of stack o/p/x</th><td>p2-secret/*</td><td><code>&lt;i&gt;</code></td></tr>',
    );
  });

  it("shows them in the picture alone too, as lines below the matrix and in its description", () => {
    const { matrix, stack: title } = tutorialPage;
    const others = ["*", "key1"].map((key) => ({
      ...{ stack: "o/p/x", reader: key === "*" ? "<b>" : "long".repeat(40), secret: "p2-secret", key },
      ...{ initData: "0123456789abcdef", binding: "azure-vtpm" as const, former: key === "*" },
    }));
    const plain = matrixSvg(matrix, { title });
    const picture = matrixSvg(matrix, { title, others });
    expect(matrixSvg(matrix, { title, others: [] })).toBe(plain);
    const lines = others.map((other) => escapeText(otherReaderLine(other)));
    expect(lines[0]).toBe(
      "also read by: \\u{3c}b\\u{3e} (former initdata) of stack o/p/x -&gt; p2-secret/* (init_data 0123456789ab)",
    );
    expect(picture).toContain(`pod3 may read kbsres1/key1. ${lines.join(". ")}.</desc>`);
    expect(picture).toContain(`>${lines[0] ?? ""}</text>`);
    // The line is too long to be shown whole: its title has the whole text.
    expect(picture).toContain(`<title>${lines[1] ?? ""}</title>`);
    expect(picture).not.toContain(`>${lines[1] ?? ""}</text>`);
    const heights = [plain, picture].map((svg) => Number(/ height="([\d.]+)"/.exec(svg)?.[1]));
    expect((heights[1] ?? 0) - (heights[0] ?? 0)).toBe(44);
  });

  it("shows a stack without pods", () => {
    const empty = accessMatrix({ others: "deny", secrets: {} }, [], []);
    expect(matrixSvg(empty)).toContain("There is no pod with a secret to read.");
    expect(accessPage({ ...tutorialPage, matrix: empty, expiries: [] })).toContain("0 of 0");
  });

  it("keeps every name in its place, whatever it contains (property)", () => {
    forAll(fc.string({ unit: "binary" }), (name) => {
      const text = escapeText(name);
      expect(text).not.toMatch(/[<>"']|&(?!(amp|lt|gt|quot|#39);)|(?![\t\n\r])\p{Cc}|\p{Cs}/u);
    });
  });
});

it("the matrix of a stack's output equals the stack's output", () => {
  const { matrix } = tutorialPage;
  expect(matrixOfReport(accessReport(matrix), matrix.rows)).toEqual(matrix);
});
