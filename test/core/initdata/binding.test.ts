import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { extendPcr8, initDataClaim } from "../../../core/initdata/binding.ts";

/** A second way to the same digest: the tutorial's `echo -n "$zeros$hash" | xxd -r -p | sha256sum`. */
function tutorialPcr8(toml: string): string {
  const hash = createHash("sha256").update(toml).digest("hex");
  return createHash("sha256")
    .update(Buffer.from("0".repeat(64) + hash, "hex"))
    .digest("hex");
}

describe("PCR8", () => {
  // Source: Trustee, deps/verifier, the test of the az-snp-vtpm verifier's init data.
  it("extends as Trustee's own az-snp-vtpm verifier test says", () => {
    const digest = Buffer.from("8505e4e25e50a27c5dc8147af88efbece627fbea55291911eff832d9ee127781", "hex");
    expect(extendPcr8(digest)).toBe("bddaccb9c52249e97a31baea61b7d91be8221a16e703d92148d04fb8e9c1dfdd");
  });

  it("is what the tutorial's shell computes, for any text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (toml) => {
        expect(initDataClaim("azure-vtpm", "sha256", toml)).toBe(tutorialPcr8(toml));
      }),
    );
  });

  it("is another one with a newline more at the end", () => {
    expect(initDataClaim("azure-vtpm", "sha256", "a = 1\n")).not.toBe(
      initDataClaim("azure-vtpm", "sha256", "a = 1"),
    );
  });

  it.each(["sha384", "sha512"] as const)("cannot be extended by %s", (algorithm) => {
    expect(() => initDataClaim("azure-vtpm", algorithm, "")).toThrow(RangeError);
  });
});

describe("bare metal", () => {
  const empty = {
    sha256: createHash("sha256").update("").digest("hex"),
    sha384: createHash("sha384").update("").digest("hex"),
    sha512: createHash("sha512").update("").digest("hex"),
  };

  it("cuts or pads the digest to SNP's 32 bytes of host data", () => {
    expect(initDataClaim("snp", "sha256", "")).toBe(empty.sha256);
    expect(initDataClaim("snp", "sha384", "")).toBe(empty.sha384.slice(0, 64));
    expect(initDataClaim("snp", "sha512", "")).toBe(empty.sha512.slice(0, 64));
  });

  it("cuts or pads the digest to TDX's 48 bytes of mr_config_id", () => {
    expect(initDataClaim("tdx", "sha256", "")).toBe(empty.sha256 + "0".repeat(32));
    expect(initDataClaim("tdx", "sha384", "")).toBe(empty.sha384);
    expect(initDataClaim("tdx", "sha512", "")).toBe(empty.sha512.slice(0, 96));
  });
});
