import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeAnnotation, encodeAnnotation } from "../../../core/initdata/annotation.ts";

describe("the cc_init_data annotation", () => {
  it("gives back the exact bytes", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (toml) => {
        expect(Buffer.from(decodeAnnotation(encodeAnnotation(toml))).equals(Buffer.from(toml, "utf8"))).toBe(
          true,
        );
      }),
    );
  });

  it("is read by base64 -d and gunzip", () => {
    const toml = 'algorithm = "sha256"\nname = "zürich"\n';
    const decoded = execFileSync("sh", ["-c", "base64 -d | gunzip"], { input: encodeAnnotation(toml) });
    expect(decoded.toString("utf8")).toBe(toml);
  });

  it("has the same bytes on every run and machine: no time, no system in the gzip header", () => {
    expect(encodeAnnotation("algorithm = 'sha256'\n")).toBe(
      "H4sIAAAAAAACA0vMSc8vyizJyFWwVVAvzkg0MjVT5wIA44/EUhUAAAA=",
    );
  });

  it.each([
    ["not base64!", "is not base64"],
    [Buffer.from("plain").toString("base64"), "of no gzip data"],
  ])("refuses %s", (value, message) => {
    expect(() => decodeAnnotation(value)).toThrow(message);
  });
});
