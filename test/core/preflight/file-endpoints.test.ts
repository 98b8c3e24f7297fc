import { readFileSync } from "node:fs";
import TOML from "@iarna/toml";
import { describe, expect, it } from "vitest";
import { inspectInitdata } from "../../../core/initdata/verbatim.ts";
import { Issues } from "../../../core/issues.ts";
import { fileEndpointWarnings } from "../../../core/preflight/file-endpoints.ts";
import { guestCertificate as pem, initdataWith } from "./guest-certificates.ts";

const DAY = 86_400_000;
const URL_OF_KBS = "https://kbs.example.com";

/**
 * See certificate.test.ts for the first three. `issuer` is a CA without a host, `issued` its certificate for
 * kbs.example.com, made by `openssl ca` with the same dates.
 */
const [leaf = "", root = "", nameless = "", issuer = "", issued = ""] = [
  ...["leaf", "root", "nameless", "issuer", "issued"],
].map((name) => readFileSync(`test/fixtures/certificates/${name}.pem`, "utf8"));

interface Named {
  readonly url?: string;
  readonly certificate?: string | undefined;
}

interface Live extends Named {
  readonly served?: string;
}

/** A table of the members that are given. */
const table = (members: object) => JSON.parse(JSON.stringify(members)) as TOML.JsonMap;

function document(hub: Named, agent: Named = hub): string {
  const kbs = table({ url: agent.url, cert: agent.certificate });
  const kbc = table({ url: hub.url, kbs_cert: hub.certificate });
  const data = { "aa.toml": TOML.stringify({ token_configs: { kbs } }), "cdh.toml": TOML.stringify({ kbc }) };
  return TOML.stringify({ algorithm: "sha256", version: "0.1.0", data });
}

interface Case {
  readonly live?: Live;
  readonly days?: number;
}

function warningsOf(toml: string, { live = {}, days = 10 }: Case = {}): readonly string[] {
  const issues = new Issues();
  const facts = inspectInitdata(toml, "pods[0].initdataFile", issues);
  expect(issues.found).toEqual([]);
  const { url = URL_OF_KBS, certificate = leaf, served } = live;
  const now = new Date(Date.parse("2026-01-01T00:00:00Z") + days * DAY);
  const files = [{ id: "a", path: "readers[2].initdataFile", facts }];
  return fileEndpointWarnings(files, { url, certificate, served, where: 'Secret "tls"' }, now).map(
    (warning) => {
      expect(warning).toMatch(/^readers\[2\]\.initdataFile: /);
      return warning.replace(/^\S+ /, "");
    },
  );
}

const own = { url: URL_OF_KBS, certificate: leaf };
const another = (url: string, live = URL_OF_KBS, file = "cdh.toml"): string =>
  `its ${file} names the KBS ${url}, but the live one is at ${live}: the pod gets no secret from this Trustee. If it should, put the live URL into the file.`;

describe("an initdata file's way to the KBS", () => {
  it("gives no warning if it is the live one, whatever its problems", () => {
    expect(warningsOf(document(own))).toEqual([]);
    expect(warningsOf(document({ ...own, url: `${URL_OF_KBS}/` }))).toEqual([]);
    expect(warningsOf(document({ ...own, certificate: `\n${leaf}\n` }))).toEqual([]);
    for (const days of [-1, 80, 200]) expect(warningsOf(document(own), { days })).toEqual([]);
    const http = { url: "http://kbs.example.com" };
    expect(warningsOf(document(http), { live: http })).toEqual([]);
    const elsewhere = { url: "https://other.example.com", certificate: leaf };
    expect(warningsOf(document(elsewhere), { live: elsewhere })).toEqual([]);
    expect(warningsOf(document({}))).toEqual([]);
    expect(warningsOf(document({ url: URL_OF_KBS }), { live: { certificate: issued } })).toEqual([]);
  });

  it("needs the certificate of a KBS with a self-signed one, in both files", () => {
    const none = { url: URL_OF_KBS };
    const words = (has: string, settings: string): string =>
      `its ${has} no certificate, and the KBS's is self-signed, which no guest trusts by default: the pod gets no secret. Add it: ${settings}.`;
    const [hub, agent] = ["kbc.kbs_cert in cdh.toml", "token_configs.kbs.cert in aa.toml"];
    expect(warningsOf(document(none))).toEqual([words("cdh.toml and aa.toml have", `${hub} and ${agent}`)]);
    expect(warningsOf(document(own, none))).toEqual([words("aa.toml has", agent)]);
    expect(warningsOf(document(none, own))).toEqual([words("cdh.toml has", hub)]);
  });

  it("is reported once per URL, whatever follows from it", () => {
    const url = "http://wrong.example:8080";
    const line = [another(url)];
    for (const hub of [{ url }, { url, certificate: leaf }]) {
      for (const agent of [{ url }, { url: `${url}/`, certificate: leaf }]) {
        expect(warningsOf(document(hub, agent))).toEqual(line);
      }
    }
    const http = { url: "http://kbs.example.com" };
    expect(warningsOf(document({ ...http, certificate: leaf }, http), { live: http })).toEqual([]);
  });

  it("is not checked for generated documents", () => {
    expect(warningsOf(initdataWith(leaf))).toEqual([]);
  });

  it("may lead to another KBS, by a URL without TLS, or by none", () => {
    for (const url of ["https://old.apps.example.com", "http://kbs.example.com"]) {
      expect(warningsOf(document({ ...own, url }))).toEqual([another(url)]);
    }
    for (const url of ["kbs", "kbs.example.com:8080"]) {
      expect(warningsOf(document({ ...own, url }))).toEqual([
        `its cdh.toml names the KBS "${url}", which is not an http or https URL: the pod gets no secret. Correct the file.`,
      ]);
    }
  });

  it("may end at a certificate that is expired, expiring, unreadable or another one", () => {
    const live = { certificate: issued };
    expect(warningsOf(document(own), { live, days: 91 })).toEqual([
      "the certificate in its cdh.toml expired on 2026-04-01T00:00:00Z: the pod gets no secret. Put the one that the KBS serves now into the file.",
    ]);
    expect(warningsOf(document(own), { live, days: -1 })).toEqual([
      "the certificate in its cdh.toml is not valid before 2026-01-01T00:00:00Z: the pod gets no secret. Put the one that the KBS serves now into the file.",
    ]);
    const unlike =
      'the certificate in its cdh.toml does not verify the certificate in Secret "tls": if the KBS serves that certificate, the pod gets no secret. Put the current certificate into the file.';
    expect(warningsOf(document(own), { live, days: 80 })).toEqual([
      "the certificate in its cdh.toml expires on 2026-04-01T00:00:00Z, in 10 days. Its replacement needs a new file and a new pod.",
      unlike,
    ]);
    expect(warningsOf(document(own), { live })).toEqual([unlike]);
    expect(warningsOf(document({ ...own, certificate: root }))).toEqual([unlike]);
    expect(warningsOf(document({ ...own, certificate: "MIIB" }))).toEqual([
      "the certificate in its cdh.toml cannot be read: the pod gets no secret. Put the one that the KBS serves now into the file.",
    ]);
  });

  it("may end at a certificate of another host", () => {
    expect(warningsOf(document({ ...own, certificate: nameless }))).toEqual([
      "the certificate in its cdh.toml does not name kbs.example.com, the host of its URL (it names no name at all). The pod gets no secret: correct the URL or the certificate in the file.",
    ]);
    expect(warningsOf(document({ ...own, url: "https://old.example.com" }))).toHaveLength(1);
  });

  it("may trust the CA of the served certificate, which must be first", () => {
    for (const live of [{ certificate: issued }, { certificate: issuer, served: issued }]) {
      for (const certificate of [issuer, `${issuer}${issued}`]) {
        expect(warningsOf(document({ ...own, certificate }), { live })).toEqual([]);
      }
      for (const certificate of [issued, `${issued}${issuer}`]) {
        expect(warningsOf(document({ ...own, certificate }), { live })).toEqual([
          "the certificate in its cdh.toml is issued by CN=Example CA, and is not self-signed: the pod gets no secret. Put the CA's certificate into the file, as the first or the only one.",
        ]);
      }
      const behind = warningsOf(document({ ...own, certificate: `${leaf}${issuer}` }), { live });
      expect(behind).toEqual([
        "the guest reads only the first certificate in its cdh.toml, but a later certificate matches the KBS: the pod gets no secret. Put the matching certificate first.",
      ]);
    }
    expect(warningsOf(document({ ...own, certificate: issuer }))).toEqual([
      "the certificate in its cdh.toml does not name kbs.example.com, the host of its URL (it names no name at all). Unless it is the CA of the KBS's certificate, the pod gets no secret: correct the URL or the certificate in the file.",
    ]);
  });

  it("may trust another CA, an intermediate one, or the KBS's previous one", () => {
    const [ca, served] = [pem("ca"), pem("leaf-of-intermediate") + pem("intermediate")];
    const live = { certificate: ca, served };
    for (const certificate of [ca, pem("intermediate")]) {
      expect(warningsOf(document({ ...own, certificate }), { live })).toEqual([]);
    }
    expect(warningsOf(document({ ...own, certificate: pem("other-ca") }), { live })).toHaveLength(1);
    expect(warningsOf(document(own), { live })).toEqual([
      'the certificate in its cdh.toml does not verify the certificate in Secret "tls": if the KBS serves that certificate, the pod gets no secret. Put the CA\'s certificate into the file.',
    ]);
    // Renewed by the same CA: no warning.
    for (const name of ["leaf", "leaf-renewed"]) {
      expect(
        warningsOf(document({ ...own, certificate: ca }), { live: { certificate: ca, served: pem(name) } }),
      ).toEqual([]);
    }
  });

  it("may trust a certificate that no guest accepts for a server", () => {
    const usage =
      "the certificate in its cdh.toml is not for servers (its extendedKeyUsage lacks serverAuth): the pod gets no secret. Put the one that the KBS serves now into the file.";
    expect(warningsOf(document({ ...own, certificate: pem("self-signed-client") }))).toEqual([usage]);
    const url = "https://old.example.com";
    const live = { url };
    const authority =
      "the certificate in its cdh.toml is a CA's (basicConstraints CA:TRUE), and no guest accepts a CA as a server certificate: if the KBS serves it, the pod gets no secret. Then issue one with CA:FALSE, and put it into the file.";
    for (const name of ["self-signed-ca", "self-signed-ca-usage"]) {
      expect(warningsOf(document({ ...own, certificate: pem(name) }), { live })).toEqual([
        another(URL_OF_KBS, url),
        authority,
      ]);
    }
  });

  it("is checked for both of the guest's programs", () => {
    const old = "https://old.apps.example.com";
    expect(warningsOf(document(own, { ...own, url: old }))).toEqual([another(old, URL_OF_KBS, "aa.toml")]);
    expect(warningsOf(document({ ...own, url: old }, { ...own, url: old }))).toHaveLength(1);
  });
});
