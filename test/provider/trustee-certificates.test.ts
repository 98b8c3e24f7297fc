import { readFileSync } from "node:fs";
import { beforeEach, describe, expect, test } from "vitest";
import { trusteeNames } from "../../core/trustee/generation.ts";
import type { PropertyMap } from "../../provider/protocol/property-value.ts";
import { TestCluster } from "./cluster.ts";
import { Engine } from "./engine.ts";
import { trusteeArgs } from "./trustee-args.ts";

const pem = (name: string): string => readFileSync(`test/fixtures/certificates/guests/${name}.pem`, "utf8");
const [ca, leaf] = [pem("ca"), pem("leaf")];
const KEY = "-----BEGIN PRIVATE KEY-----\nhidden==\n-----END PRIVATE KEY-----\n";

describe("getTrustee returns the certificate that guests trust", () => {
  let cluster: TestCluster;
  let engine: Engine;
  beforeEach(async () => {
    cluster = await TestCluster.withTrustee("0.18");
    engine = await Engine.start(cluster);
    return async () => engine.stop();
  });

  /** The certificates read from the Secret, or the reason for a refusal. */
  async function found(data: Readonly<Record<string, string>>, more: PropertyMap = {}): Promise<unknown> {
    cluster.delete("Secret", trusteeNames.certificate);
    cluster.secret(trusteeNames.certificate, { "tls.key": "hidden", ...data });
    try {
      const args = trusteeArgs(cluster.namespace, more);
      const result = await engine.invoke("trustee:index:getTrustee", args);
      expect(JSON.stringify(result)).not.toContain("hidden");
      const { certificate, servedCertificate } = result;
      return { certificate, servedCertificate };
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      expect(message).not.toContain("hidden");
      return message;
    }
  }

  test("the CA in ca.crt, also after the certificate is renewed", async () => {
    for (const served of [leaf, pem("leaf-renewed")]) {
      const secret = { "tls.crt": served, "ca.crt": ca };
      expect(await found(secret)).toEqual({ certificate: ca, servedCertificate: served });
    }
    const bundle = { "tls.crt": leaf, "ca.crt": pem("other-ca") + ca };
    expect(await found(bundle)).toEqual({ certificate: ca, servedCertificate: leaf });
  });

  test("a self-signed certificate itself, regardless of ca.crt", async () => {
    const served = pem("self-signed");
    for (const authority of ["", served, ca, KEY]) {
      expect(await found({ "tls.crt": served, "ca.crt": authority })).toEqual({ certificate: served });
    }
  });

  test("the served certificate, if nothing else is known", async () => {
    for (const authority of ["", "MIIB", pem("other-ca")]) {
      expect(await found({ "tls.crt": leaf, "ca.crt": authority })).toEqual({ certificate: leaf });
    }
  });

  test("the CA in the setting, or none", async () => {
    const secret = { "tls.crt": leaf, "ca.crt": ca };
    const other = pem("other-ca");
    expect(await found(secret, { certificateAuthority: other })).toEqual({
      certificate: other,
      servedCertificate: leaf,
    });
    expect(await found(secret, { certificateAuthority: "public" })).toEqual({ servedCertificate: leaf });
  });

  test("nothing from a text that also holds a key", async () => {
    const said = `Secret "${trusteeNames.certificate}" whose ca.crt holds more than certificates: PRIVATE KEY`;
    for (const authority of [ca + KEY, KEY + ca]) {
      expect(await found({ "tls.crt": leaf, "ca.crt": authority })).toContain(said);
    }
  });
});
