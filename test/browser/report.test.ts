import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser, BrowserContextOptions } from "playwright-core";
import { beforeAll, describe, expect, it } from "vitest";
import { accessMatrix } from "../../core/access/matrix.ts";
import { accessPage } from "../../cli/report/page.ts";
import { matrixSvg } from "../../cli/report/svg.ts";
import { tutorialPage } from "../fixtures/page.ts";
import { startChromium } from "./chromium.ts";
import { focused, lowContrast, overflow, scrolled, signLooks } from "./in-page.ts";
import { sharedFolder } from "../support/folders.ts";

const folder = sharedFolder();
let browser: Browser;
beforeAll(async () => {
  browser = await startChromium();
  return async () => browser.close();
});

/** A loaded page, with its requests, and its errors and console messages. */
async function open(content: string, options: BrowserContextOptions = {}, name = "report.html") {
  const file = join(folder, name);
  writeFileSync(file, content);
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const requests: string[] = [];
  const complaints: string[] = [];
  page.on("request", (request) => requests.push(request.url()));
  page.on("console", (message) => complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("dialog", (dialog) => {
    complaints.push(dialog.message());
    void dialog.dismiss();
  });
  await page.goto(pathToFileURL(file).href);
  return { page, requests, complaints };
}

const report = accessPage(tutorialPage);
const hostile = `</title><script>alert("x")</script>'"&\u0000\u0007<img src=x onerror=alert(1)>`;
const hostileMatrix = accessMatrix(
  { others: "affirming", secrets: { [hostile]: { "*": { "azure-vtpm": { a1: "x" } } } } },
  [{ pod: hostile, namespace: hostile, initData: hostile, binding: "azure-vtpm" }],
  [{ secret: hostile, key: hostile }],
);
const large = accessMatrix(
  { others: "affirming", secrets: { s3: { "*": { "azure-vtpm": { a3: "pod3" } } } } },
  Array.from({ length: 40 }, (_, index) => ({
    pod: `pod${index}`,
    namespace: "finance",
    initData: `a${index}`,
    binding: "azure-vtpm" as const,
  })),
  Array.from({ length: 40 }, (_, index) => ({ secret: `s${index}`, key: "a-key-with-a-long-name" })),
);

const hostileOthers = [hostile, "W".repeat(500), "b1"].map((name) => ({
  ...{ stack: name, reader: name, secret: name, key: "*" },
  ...{ initData: name, binding: "any" as const, former: true },
}));

describe("the page", () => {
  it("requests only itself, and logs no error", async () => {
    const { requests, complaints } = await open(report);
    expect({ requests: requests.length, complaints }).toEqual({ requests: 1, complaints: [] });
  });

  it("has this accessibility tree", async () => {
    const { page } = await open(report);
    await expect(await page.locator("body").ariaSnapshot()).toMatchFileSnapshot(
      "../fixtures/report.aria.yaml",
    );
    expect(await page.title()).toBe("Access matrix of organization/trustee-access/dev");
  });

  it("has a row header and a column header for every cell of a table", async () => {
    const { page } = await open(report);
    const table = page.getByRole("table", { name: "Pods by keys of secrets" });
    expect(await table.getByRole("columnheader").allInnerTexts()).toEqual([
      "Pod",
      "fraud-dataset\ndataset_key",
      "p2-secret\nsecret",
      "kbsres1\nkey1",
    ]);
    expect(await table.getByRole("rowheader").allInnerTexts()).toEqual([
      "pod1\ndefault",
      "pod2\ndefault",
      "pod3\ndefault",
    ]);
    expect(await table.getByRole("cell").allInnerTexts()).toEqual([
      "may read\ngranted",
      "denied\nnot among its readers",
      "may read\nopen to every attested pod",
      "denied\nnot among its readers",
      "may read\ngranted",
      "may read\nopen to every attested pod",
      "denied\nnot among its readers",
      "denied\nnot among its readers",
      "may read\nopen to every attested pod",
    ]);
  });

  it("can be used by keyboard: the skip link and every scrollable part get a visible focus", async () => {
    const { page } = await open(report, { viewport: { width: 390, height: 800 } });
    const stops: unknown[] = [];
    for (let stop = 0; stop < 3; stop++) {
      await page.keyboard.press("Tab");
      stops.push(await page.evaluate(focused));
    }
    expect(stops).toEqual([
      { what: "Skip to the matrix", marked: true, inside: true },
      { what: "The access matrix as a picture", marked: true, inside: true },
      { what: "The access matrix as a table", marked: true, inside: true },
    ]);
    await page.keyboard.press("ArrowRight");
    await expect.poll(() => page.evaluate<number>(scrolled)).toBeGreaterThan(0);
  });

  it("skips to the matrix", async () => {
    const { page } = await open(report);
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    expect(await page.evaluate(focused)).toMatchObject({ what: "main" });
  });

  it.each(["light", "dark"] as const)(
    "has enough contrast, for text and signs, in %s colours",
    async (colorScheme) => {
      const { page } = await open(report, { colorScheme });
      const { found, texts, signs } = await page.evaluate<{ found: unknown; texts: number; signs: number }>(
        lowContrast,
      );
      expect(found).toEqual([]);
      expect(texts).toBeGreaterThan(60);
      expect(signs).toBe(9 + 3 + 9);
    },
  );

  it.each(["light", "dark"] as const)(
    "distinguishes the three signs by colour, and without colour by shape (%s)",
    async (colorScheme) => {
      const { page } = await open(report, { colorScheme });
      const looks = await page.evaluate<readonly string[]>(signLooks);
      const [names, colours, shapes] = [0, 1, 2].map(
        (part) => new Set(looks.map((look) => look.split(" | ")[part])),
      );
      expect(names).toEqual(new Set(["sign granted", "sign denied", "sign open"]));
      expect(colours?.size).toBe(3);
      expect(shapes?.size).toBe(3);
    },
  );

  it.each([320, 390, 768, 1280])("is never wider than a window of %i pixels", async (width) => {
    for (const content of [report, accessPage({ ...tutorialPage, matrix: large })]) {
      const { page } = await open(content, { viewport: { width, height: 800 } });
      expect(await page.evaluate(overflow)).toBe(0);
    }
  });

  it("is white on paper, even if the screen is dark, and prints to a few pages", async () => {
    const { page } = await open(report, { colorScheme: "dark" });
    await page.emulateMedia({ media: "print" });
    expect(await page.evaluate("getComputedStyle(document.body).backgroundColor")).toBe("rgb(255, 255, 255)");
    expect(await page.locator(".skip").isVisible()).toBe(false);
    const { found } = await page.evaluate<{ found: unknown }>(lowContrast);
    expect(found).toEqual([]);
    const pdf = (await page.pdf({ format: "A4", preferCSSPageSize: true })).toString("latin1");
    expect([...pdf.matchAll(/\/Type\s*\/Page\b/g)].length).toBeLessThanOrEqual(4);
  });

  it("shows hostile names as text", async () => {
    const { page, requests, complaints } = await open(
      accessPage({ ...tutorialPage, matrix: hostileMatrix, stack: hostile }),
    );
    expect({ requests: requests.length, complaints }).toEqual({ requests: 1, complaints: [] });
    expect(await page.locator("header strong").innerText()).toBe(hostile.replaceAll(/\p{Cc}/gu, "\uFFFD"));
    expect(await page.locator("script, img").count()).toBe(0);
  });

  it("runs no script, even an injected one", async () => {
    const { complaints } = await open(
      report.replace("</main>", "<script>document.title='x'</script></main>"),
    );
    expect(complaints).toHaveLength(1);
    expect(complaints[0]).toContain("Content Security Policy");
  });
});

describe("the picture alone", () => {
  it.each([
    ["the tutorial's", tutorialPage.matrix],
    ["a large one", large],
    ["one with hostile names", hostileMatrix],
    ["an empty one", accessMatrix({ others: "deny", secrets: {} }, [], [])],
  ])("is a valid document that requests nothing: %s", async (_, matrix) => {
    const svg = matrixSvg(matrix, { title: hostile, others: hostileOthers });
    const { page, requests, complaints } = await open(svg, {}, "picture.svg");
    expect({ requests: requests.length, complaints }).toEqual({ requests: 1, complaints: [] });
    expect(await page.evaluate("document.documentElement.nodeName")).toBe("svg");
    expect(await page.evaluate("document.querySelectorAll('parsererror, script, image').length")).toBe(0);
    expect(await page.evaluate("document.querySelectorAll('.sign').length")).toBe(matrix.cells.length + 3);
  });

  it("keeps every text and sign inside the picture and apart from the others", async () => {
    const empty = accessMatrix({ others: "deny", secrets: {} }, [], []);
    for (const matrix of [tutorialPage.matrix, large, empty]) {
      for (const others of [[], hostileOthers]) {
        const { page } = await open(matrixSvg(matrix, { title: "a stack", others }), {}, "picture.svg");
        expect(await page.evaluate(collisions)).toEqual([]);
      }
    }
  }, 60_000);
});

/** Texts that leave the picture or overlap another text or a sign. */
const collisions = `(() => {
  const all = [...document.querySelectorAll("text, .sign")].map((element) => ({
    what: element.textContent || element.getAttribute("class"),
    box: element.getBoundingClientRect(),
  }));
  const frame = document.documentElement.getBoundingClientRect();
  const found = [];
  for (const [index, { what, box }] of all.entries()) {
    if (box.left < frame.left || box.right > frame.right || box.top < frame.top || box.bottom > frame.bottom)
      found.push(what + " leaves the picture");
    for (const other of all.slice(index + 1)) {
      const apart = box.right <= other.box.left || other.box.right <= box.left || box.bottom <= other.box.top || other.box.bottom <= box.top;
      if (!apart) found.push(what + " lies over " + other.what);
    }
  }
  return found.slice(0, 10);
})()`;
