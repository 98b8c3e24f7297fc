import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { claimForm, claimSpellings, initDataClaim } from "../../../core/initdata/binding.ts";
import { forAll } from "../../support/for-all.ts";

/** The tutorial's way to extend PCR8: `echo -n "$zeros$hash" | xxd -r -p | sha256sum`. */
function tutorialPcr8(hash: string): string {
  return createHash("sha256")
    .update(Buffer.from("0".repeat(64) + hash, "hex"))
    .digest("hex");
}

describe("PCR8", () => {
  // Source: Trustee, deps/verifier, the test of the az-snp-vtpm verifier's init data.
  it("is extended by the tutorial's computation as in Trustee's own az-snp-vtpm verifier test", () => {
    const digest = "8505e4e25e50a27c5dc8147af88efbece627fbea55291911eff832d9ee127781";
    expect(tutorialPcr8(digest)).toBe("bddaccb9c52249e97a31baea61b7d91be8221a16e703d92148d04fb8e9c1dfdd");
  });

  it("equals the tutorial's shell computation for any text", () => {
    forAll(fc.string({ unit: "binary" }), (toml) => {
      const hash = createHash("sha256").update(toml).digest("hex");
      expect(initDataClaim("azure-vtpm", "sha256", toml)).toBe(tutorialPcr8(hash));
    });
  });

  it("changes with an additional newline", () => {
    expect(initDataClaim("azure-vtpm", "sha256", "a = 1\n")).not.toBe(
      initDataClaim("azure-vtpm", "sha256", "a = 1"),
    );
  });

  it.each(["sha384", "sha512"] as const)("cannot be extended by %s", (algorithm) => {
    expect(() => initDataClaim("azure-vtpm", algorithm, "")).toThrow(RangeError);
  });
});

describe("bare metal", () => {
  /** The digests of the empty text, as used in tests of FIPS 180-4 implementations. */
  const empty = {
    sha256: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    sha384:
      "38b060a751ac96384cd9327eb1b1e36a21fdb71114be07434c0cc7bf63f6e1da274edebfe76f65fbd51ad2f14898b95b",
    sha512:
      "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e",
  };

  // Source: Trustee v0.21, deps/verifier/src/snp/mod.rs: regularize_data(hash, 32, "HOST_DATA", "SNP").
  it("cuts or pads the digest to SNP's 32 bytes of host data", () => {
    expect(initDataClaim("snp", "sha256", "")).toBe(empty.sha256);
    expect(initDataClaim("snp", "sha384", "")).toBe(empty.sha384.slice(0, 64));
    expect(initDataClaim("snp", "sha512", "")).toBe(empty.sha512.slice(0, 64));
  });

  // Source: Trustee v0.21, deps/verifier/src/tdx/mod.rs: regularize_data(hash, 48, "MRCONFIGID", "TDX").
  it("cuts or pads the digest to TDX's 48 bytes of mr_config_id", () => {
    expect(initDataClaim("tdx", "sha256", "")).toBe(empty.sha256 + "0".repeat(32));
    expect(initDataClaim("tdx", "sha384", "")).toBe(empty.sha384);
    expect(initDataClaim("tdx", "sha512", "")).toBe(empty.sha512.slice(0, 96));
  });

  // Sources: the length that deps/verifier/src/snp/mod.rs tests (test_hex_encoding_in_parsed_claims), and
  // deps/verifier/test_data/parse_tdx_claims_expected.json, both of Trustee v0.21.
  it.each([
    ["azure-vtpm", "sha256", 64],
    ["snp", "sha384", 64],
    ["tdx", "sha384", 96],
  ] as const)("%s claims as many digits as its register has", (binding, algorithm, digits) => {
    const claim = initDataClaim(binding, algorithm, "x");
    expect(claim).toHaveLength(digits);
    expect(claim).toMatch(claimForm(binding).pattern);
    expect(claimForm(binding).words).toBe(`${digits} hex digits`);
  });
});

// Source: what KBSs v0.16, v0.18 and v0.21 put into tokens for the tutorial's initdata.
it("the sample TEE claims the digest in base64, with any algorithm", () => {
  for (const algorithm of ["sha256", "sha384", "sha512"] as const) {
    const claim = initDataClaim("sample", algorithm, "x");
    expect(claim).toBe(createHash(algorithm).update("x").digest("base64"));
    expect(claim).toMatch(claimForm("sample").pattern);
  }
  expect("k/dACqdnDNMuTqcYw+qKrbaI1qbxAcGffkbMica1ze8").not.toMatch(claimForm("sample").pattern);
});

describe("the spellings of a claim", () => {
  // Source: Trustee v0.17, deps/verifier/src/snp/mod.rs: STANDARD.encode(report.host_data); hex::encode from
  // v0.18.
  it("has SNP's host data in hex and in base64, which Trustee up to v0.17 reports", () => {
    const zeros = "0".repeat(64);
    expect(claimSpellings("snp", zeros)).toEqual([zeros, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="]);
    // The digest of the empty text by `printf '' | openssl dgst -sha256 -binary | base64`.
    expect(claimSpellings("snp", initDataClaim("snp", "sha256", ""))[1]).toBe(
      "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
    );
  });

  it("has all others in hex only", () => {
    expect(claimSpellings("azure-vtpm", "ab")).toEqual(["ab"]);
    expect(claimSpellings("tdx", "ab")).toEqual(["ab"]);
  });
});
