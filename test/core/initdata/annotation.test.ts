import { execFileSync } from "node:child_process";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeAnnotation, encodeAnnotation } from "../../../core/initdata/annotation.ts";
import { forAll } from "../../support/for-all.ts";

describe("the cc_init_data annotation", () => {
  it("keeps the exact bytes", () => {
    forAll(fc.string({ unit: "binary" }), (toml) => {
      expect(Buffer.from(decodeAnnotation(encodeAnnotation(toml))).equals(Buffer.from(toml, "utf8"))).toBe(
        true,
      );
    });
  });

  it("can be read with base64 -d and gunzip", () => {
    const toml = 'algorithm = "sha256"\nname = "zürich"\n';
    const decoded = execFileSync("sh", ["-c", "base64 -d | gunzip"], { input: encodeAnnotation(toml) });
    expect(decoded.toString("utf8")).toBe(toml);
  });

  it("has the same bytes on every run and machine: no time and no system in the gzip header", () => {
    expect(encodeAnnotation("algorithm = 'sha256'\n")).toBe(
      "H4sIAAAAAAACA0vMSc8vyizJyFWwVVAvzkg0MjVT5wIA44/EUhUAAAA=",
    );
  });

  it.each([
    ["not base64!", "is not base64"],
    [Buffer.from("plain").toString("base64"), "of no gzip data"],
  ])("rejects %s", (value, message) => {
    expect(() => decodeAnnotation(value)).toThrow(message);
  });

  const gzipped = (...texts: readonly Buffer[]): string =>
    Buffer.concat(texts.map((text) => gzipSync(text))).toString("base64");
  const long = (bytes: number): Buffer => Buffer.alloc(bytes, "a");

  it("is read up to 1 MiB, with any number of gzip members", () => {
    expect(decodeAnnotation(gzipped(long(1024 * 1024)))).toHaveLength(1024 * 1024);
    expect(Buffer.from(decodeAnnotation(gzipped(long(3), Buffer.from("b")))).toString()).toBe("aaab");
  });

  it.each([
    ["one byte more", [long(1024 * 1024 + 1)]],
    ["190 MiB in 256 KiB", [long(190 * 1024 * 1024)]],
    ["many members", [long(1024 * 1024), Buffer.from("b")]],
  ])("is rejected beyond 1 MiB, without reading to the end: %s", (_, texts) => {
    const annotation = gzipped(...texts);
    const start = performance.now();
    expect(() => decodeAnnotation(annotation)).toThrow(
      "of a document of more than 1024 KiB, which no guest accepts",
    );
    expect(performance.now() - start).toBeLessThan(1000);
  });

  it("is rejected if it is truncated", () => {
    const whole = Buffer.from(gzipped(Buffer.from("a = 1\n".repeat(20))), "base64");
    const half = whole.subarray(0, whole.length / 2).toString("base64");
    expect(() => decodeAnnotation(half)).toThrow("of no gzip data");
  });
});
