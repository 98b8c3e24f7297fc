import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Issues } from "../../core/issues.ts";
import { inspectInitdata } from "../../core/initdata/verbatim.ts";
import { endpointFlaws } from "../../core/preflight/endpoint.ts";
import { onlyCertificates } from "../../core/pem.ts";
import { forAll } from "../support/for-all.ts";

const leaf = readFileSync("test/fixtures/certificates/leaf.pem", "utf8");
const root = readFileSync("test/fixtures/certificates/root.pem", "utf8");
const SECRET_BODY = "c2VjcmV0IGtleSBtYXRlcmlhbA==";

const block = (label: string, body = SECRET_BODY): string =>
  `-----BEGIN ${label}-----\n${body}\n-----END ${label}-----\n`;

function read(text: string): { readonly certificates: string; readonly given: readonly string[] } {
  const issues = new Issues();
  const certificates = onlyCertificates(text, { path: "p", where: "the Secret's tls.crt" }, issues);
  return { certificates, given: issues.found.map(({ given }) => given) };
}

describe("the certificates of a PEM text", () => {
  it.each([
    ["one", leaf],
    ["a chain", leaf + root],
    ["one with the line ends of Windows", leaf.replaceAll("\n", "\r\n")],
    ["one without a newline at its end", leaf.trimEnd()],
  ])("are the whole text if it holds nothing else: %s", (_, text) => {
    expect(read(text)).toEqual({ certificates: text, given: [] });
  });

  it("are read without the lines around them", () => {
    const text = `Bag Attributes\n  password: ${SECRET_BODY}\n${leaf}# the root\n${root}${SECRET_BODY}\n`;
    expect(read(text)).toEqual({ certificates: leaf + root, given: [] });
  });

  it.each([
    "PRIVATE KEY",
    "RSA PRIVATE KEY",
    "EC PRIVATE KEY",
    "ENCRYPTED PRIVATE KEY",
    "EC PARAMETERS",
    "PGP PRIVATE KEY BLOCK",
    "TRUSTED CERTIFICATE",
  ])("reject a %s beside them, and leave it out", (label) => {
    for (const text of [leaf + block(label), block(label) + leaf, leaf + block(label) + root]) {
      const { certificates, given } = read(text);
      expect(given).toEqual([`the Secret's tls.crt holds more than certificates: ${label}`]);
      expect(certificates).not.toContain(SECRET_BODY);
    }
  });

  it("reject a block without an end, and one with an invalid name", () => {
    const open = `${leaf}-----BEGIN PRIVATE KEY-----\n${SECRET_BODY}\n`;
    expect(read(open)).toEqual({
      certificates: leaf,
      given: ["the Secret's tls.crt holds more than certificates: PRIVATE KEY"],
    });
    expect(read(`${leaf}-----BEGIN \u001b[31mx-----\n`).given).toEqual([
      "the Secret's tls.crt holds more than certificates: another block",
    ]);
    expect(
      read(`${leaf}-----BEGIN CERTIFICATE-----\npassword: ${SECRET_BODY}!\n-----END CERTIFICATE-----\n`),
    ).toEqual({
      certificates: leaf,
      given: ["the Secret's tls.crt holds more than certificates: a damaged CERTIFICATE"],
    });
  });

  it.each(["", "MIIB", block("PUBLIC KEY")])("are required: %j", (text) => {
    expect(read(text).certificates).toBe("");
    expect(read(text).given).toContain("the Secret's tls.crt holds no certificate");
  });

  it("never include anything else, in any order", () => {
    const parts = fc.array(fc.constantFrom(leaf, root, block("PRIVATE KEY"), `${SECRET_BODY}\n`, "\n"));
    forAll(parts, (all) => {
      const { certificates, given } = read(all.join(""));
      expect(certificates).toBe(all.filter((part) => part === leaf || part === root).join(""));
      expect(given.join()).not.toContain(SECRET_BODY);
    });
  });
});

it("a key labeled as a certificate makes the certificate unreadable, first or last", () => {
  const fake = block("CERTIFICATE");
  for (const certificate of [fake, leaf + fake, fake + leaf]) {
    const now = new Date("2026-01-10T00:00:00Z");
    expect(endpointFlaws({ url: "https://kbs.example.com", certificate }, now)).toEqual([
      { kind: "unreadable" },
    ]);
  }
});

describe("an initdata file", () => {
  function problems(certificate: string, more = ""): readonly string[] {
    const hub = `[kbc]\nname = "cc_kbc"\nurl = "https://kbs.example.com"\nkbs_cert = """\n${certificate}"""\n`;
    const toml = `version = "0.1.0"\nalgorithm = "sha256"\n[data]\n"cdh.toml" = '''\n${hub}'''\n${more}`;
    const issues = new Issues();
    inspectInitdata(toml, "pods[0].initdataFile", issues);
    return issues.found.map(({ path, given }) => `${path}: ${given}`);
  }
  const MORE = "pods[0].initdataFile: a file that holds more than certificates";

  it("may hold certificates and public keys", () => {
    expect(problems(leaf + root, `"cosign.pub" = '''\n${block("PUBLIC KEY")}'''\n`)).toEqual([]);
  });

  it("is rejected with anything else in the KBS's certificate", () => {
    expect(problems(leaf + block("PUBLIC KEY"))).toEqual([`${MORE}: PUBLIC KEY`]);
  });

  it("is rejected with a private key anywhere", () => {
    expect(problems(leaf + block("PRIVATE KEY"))).toEqual([`${MORE}: PRIVATE KEY`]);
    const other = `"tls.key" = '''\n${block("EC PRIVATE KEY")}'''\n`;
    expect(problems(leaf, other)).toEqual([`${MORE}: EC PRIVATE KEY`]);
    const escaped = `"tls.key" = ${JSON.stringify(block("PRIVATE KEY")).replaceAll("-", "\\u002d")}\n`;
    expect(problems(leaf, escaped)).toEqual([`${MORE}: PRIVATE KEY`]);
  });
});
