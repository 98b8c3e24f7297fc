import { readFileSync } from "node:fs";
import TOML from "@iarna/toml";
import { describe, expect, it } from "vitest";
import { renderInitdata } from "../../../core/initdata/initdata.ts";
import { inspectInitdata } from "../../../core/initdata/verbatim.ts";
import { Issues } from "../../../core/issues.ts";
import { fileEndpointWarnings } from "../../../core/limits/file-endpoints.ts";

const DAY = 86_400_000;
const URL_OF_KBS = "https://kbs.example.com";

/**
 * See certificate.test.ts for the first three; `issuer` is a CA of no host, `issued` its certificate for kbs.example.com, made by
 * `openssl ca` with the same dates.
 */
const [leaf = "", root = "", nameless = "", issuer = "", issued = ""] = [
  ...["leaf", "root", "nameless", "issuer", "issued"],
].map((name) => readFileSync(`test/fixtures/certificates/${name}.pem`, "utf8"));

interface Named {
  readonly url?: string;
  readonly certificate?: string | undefined;
}

function document(hub: Named, agent: Named = hub): string {
  const { url, certificate: cert } = agent;
  return TOML.stringify({
    algorithm: "sha256",
    version: "0.1.0",
    data: {
      "aa.toml": TOML.stringify({
        token_configs: {
          kbs: { ...(url === undefined ? {} : { url }), ...(cert === undefined ? {} : { cert }) },
        },
      }),
      "cdh.toml": TOML.stringify({
        kbc: {
          ...(hub.url === undefined ? {} : { url: hub.url }),
          ...(hub.certificate === undefined ? {} : { kbs_cert: hub.certificate }),
        },
      }),
    },
  });
}

interface Case {
  readonly live?: Named;
  readonly days?: number;
}

/** What is said of a document, without its path. */
function said(toml: string, { live = {}, days = 10 }: Case = {}): readonly string[] {
  const issues = new Issues();
  const facts = inspectInitdata(toml, "pods[0].initdataFile", issues);
  expect(issues.found).toEqual([]);
  const { url = URL_OF_KBS, certificate = leaf } = live;
  const now = new Date(Date.parse("2026-01-01T00:00:00Z") + days * DAY);
  const files = [{ id: "a", path: "readers[2].initdataFile", facts }];
  return fileEndpointWarnings(files, { url, certificate, where: 'Secret "tls"' }, now).map((warning) => {
    expect(warning).toMatch(/^readers\[2\]\.initdataFile: /);
    return warning.replace(/^\S+ /, "");
  });
}

const own = { url: URL_OF_KBS, certificate: leaf };

describe("an initdata file's way to the KBS", () => {
  it("is not spoken of where it is the live one's, whatever is wrong with that", () => {
    expect(said(document(own))).toEqual([]);
    expect(said(document({ ...own, url: `${URL_OF_KBS}/` }))).toEqual([]);
    expect(said(document({ ...own, certificate: `\n${leaf}\n` }))).toEqual([]);
    for (const days of [-1, 80, 200]) expect(said(document(own), { days })).toEqual([]);
    const http = { url: "http://kbs.example.com" };
    expect(said(document(http), { live: http })).toEqual([]);
    const elsewhere = { url: "https://other.example.com", certificate: leaf };
    expect(said(document(elsewhere), { live: elsewhere })).toEqual([]);
    expect(said(document({}))).toEqual([]);
    expect(said(document({ url: URL_OF_KBS }))).toEqual([]);
  });

  it("is not that of a document that we have made", () => {
    const source = {
      algorithm: "sha256",
      claims: {},
      url: URL_OF_KBS,
      certificate: leaf,
      agentPolicy: { logs: true, allowedCommands: [] },
    } as const;
    expect(said(renderInitdata(source))).toEqual([]);
  });

  it("may lead to another KBS, by a URL without TLS, or by none", () => {
    expect(said(document({ ...own, url: "https://old.apps.example.com" }))).toEqual([
      "its cdh.toml names the KBS https://old.apps.example.com, and the live one is at https://kbs.example.com: the pod gets no secret from this Trustee.",
    ]);
    expect(said(document({ ...own, url: "http://kbs.example.com" }))).toEqual([
      "its cdh.toml names the KBS http://kbs.example.com, and the live one is at https://kbs.example.com: the pod gets no secret from this Trustee.",
      "its cdh.toml names http://kbs.example.com, which is not https, so the guest does not check that it talks to this KBS. Put the https URL into the file.",
    ]);
    for (const url of ["kbs", "kbs.example.com:8080"]) {
      expect(said(document({ ...own, url }))).toEqual([
        `its cdh.toml names the KBS "${url}", which is no http or https URL: the pod gets no secret. Correct the file.`,
      ]);
    }
  });

  it("may end at a certificate that has expired, is about to, cannot be read, or is another one", () => {
    const live = { certificate: issued };
    expect(said(document(own), { live, days: 91 })).toEqual([
      "the certificate in its cdh.toml expired on 2026-04-01T00:00:00Z: the pod gets no secret. Put the one that the KBS serves now into the file.",
    ]);
    expect(said(document(own), { live, days: -1 })).toEqual([
      "the certificate in its cdh.toml is not valid before 2026-01-01T00:00:00Z: the pod gets no secret. Put the one that the KBS serves now into the file.",
    ]);
    const another =
      'the certificate in its cdh.toml is another one than in Secret "tls": unless the KBS serves one that it signed, the pod gets no secret. Put the present one into the file.';
    expect(said(document(own), { live, days: 80 })).toEqual([
      "the certificate in its cdh.toml expires on 2026-04-01T00:00:00Z, in 10 days. Other initdata then needs another file, and a new pod.",
      another,
    ]);
    expect(said(document(own), { live })).toEqual([another]);
    expect(said(document({ ...own, certificate: root }))).toEqual([another]);
    expect(said(document({ ...own, certificate: "MIIB" }))).toEqual([
      "the certificate in its cdh.toml cannot be read: the pod gets no secret. Put the one that the KBS serves now into the file.",
    ]);
  });

  it("may end at a certificate of another host", () => {
    expect(said(document({ ...own, certificate: nameless }))).toEqual([
      "the certificate in its cdh.toml does not name kbs.example.com, the host of its URL (it names no name at all). The pod gets no secret: correct the URL in the file, or its certificate.",
    ]);
    const [, host] = said(document({ ...own, url: "https://old.example.com" }));
    expect(host).toBe(
      "the certificate in its cdh.toml does not name old.example.com, the host of its URL (it names DNS:kbs.example.com, DNS:*.apps.example.com, IP Address:192.0.2.7). The pod gets no secret: correct the URL in the file, or its certificate.",
    );
  });

  it("may trust the CA of the certificate that is served, or a chain that holds it", () => {
    const live = { certificate: issued };
    for (const certificate of [issuer, issued, `${issued}${issuer}`, `${issuer}${issued}`]) {
      expect(said(document({ ...own, certificate }), { live })).toEqual([]);
    }
    expect(said(document({ ...own, certificate: issuer }))).toEqual([
      "the certificate in its cdh.toml does not name kbs.example.com, the host of its URL (it names no name at all). Unless it is the CA of the one that is served there, the pod gets no secret.",
    ]);
  });

  it("is that of both of the guest's programs", () => {
    const old = "https://old.apps.example.com";
    expect(said(document(own, { ...own, url: old }))).toEqual([
      `its aa.toml names the KBS ${old}, and the live one is at ${URL_OF_KBS}: the pod gets no secret from this Trustee.`,
    ]);
    expect(said(document({ ...own, url: old }, { ...own, url: old }))).toHaveLength(1);
  });
});
