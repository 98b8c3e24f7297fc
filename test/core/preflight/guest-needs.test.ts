import TOML from "@iarna/toml";
import { describe, expect, it } from "vitest";
import { joinPolicy } from "../../../core/policy/share.ts";
import { check, DIGEST } from "./support.ts";
import { stackGrants } from "../../fixtures/grants.ts";

describe("the guards", () => {
  it("refuse an image policy that the pods could not read", () => {
    const unregistered =
      'pods[0].imagePolicy: "other/policy", whose secret is not registered with the KBS: a could not start';
    expect(check({ pods: [{ name: "a", imagePolicy: "other/policy" }] }).issues).toEqual([unregistered]);
    expect(
      check({
        pods: [
          { name: "a", imagePolicy: "db/key" },
          { name: "b", imagePolicy: "db/key" },
        ],
      }).issues,
    ).toEqual([
      'pods[1].imagePolicy: "db/key", which the resource policy would deny to b: it could not start',
    ]);
    expect(check({ otherSecrets: "deny" }).issues).toEqual([
      'pods[0].imagePolicy: "trustee-image-policy/policy", which the resource policy would deny to a: it could not start',
      'pods[1].imagePolicy: "trustee-image-policy/policy", which the resource policy would deny to b: it could not start',
    ]);
    expect(
      check({ otherSecrets: "deny", podDefaults: { image: `i${DIGEST}`, imagePolicy: false } }).issues,
    ).toEqual([]);
  });

  it("refuse an image policy that another stack on this Trustee restricts", () => {
    const theirs = stackGrants("o/p/theirs", {
      "trustee-image-policy": { "*": { "azure-vtpm": { ["ab".repeat(32)]: "their-pod" } } },
    });
    for (const trustee of [{ policy: joinPolicy(null, theirs) }, { vanished: [theirs] }])
      expect(check({ pods: [{ name: "a" }] }, trustee).issues).toEqual([
        'pods[0].imagePolicy: "trustee-image-policy/policy", which the resource policy would deny to a: it could not start',
      ]);
  });

  it("check the files of readers like those of pods, and name the file if it must be fixed", () => {
    const file = (name: string, uri: string): string =>
      TOML.stringify({
        algorithm: "sha256",
        version: "0.1.0",
        name,
        data: {
          "cdh.toml": TOML.stringify({
            kbc: { url: "http://kbs.example.com" },
            image: { image_security_policy_uri: `kbs:///default/${uri}` },
          }),
        },
      });
    const files = { "r.toml": file("r", "other/policy"), "s.toml": file("s", "db/key") };
    const readers = [
      { name: "r", initdataFile: "r.toml" },
      { name: "s", initdataFile: "s.toml" },
    ];
    expect(check({ readers }, {}, files).warnings).toEqual([
      "agent policy of r, s: there is no policy.rego in the initdata file, so the one in the guest's image applies. By default it allows the host everything, including exec and policy changes.",
      ...[0, 1].map(
        (index) =>
          `readers[${index}].initdataFile: there is no aa.toml in it, so unless the guest's image names a KBS, its attestation agent has none: the pod gets no secret.`,
      ),
      ...[0, 1].map(
        (index) =>
          `readers[${index}].initdataFile: its cdh.toml names the KBS http://kbs.example.com, but the live one is at https://kbs.example.com: the pod gets no secret from this Trustee. If it should, put the live URL into the file.`,
      ),
      'readers[0].initdataFile: image policy "other/policy", whose secret is not registered with the KBS: r could not start. Declare it under secrets, or take the image policy out of the file.',
      'readers[1].initdataFile: image policy "db/key", which the resource policy would deny to s: it could not start. Grant db to s.',
    ]);
    expect(check({ pods: [...readers, { name: "a" }] }, {}, files).issues).toEqual([
      'pods[0].initdataFile: "other/policy", whose secret is not registered with the KBS: r could not start',
      'pods[1].initdataFile: "db/key", which the resource policy would deny to s: it could not start',
    ]);
  });

  describe("of an initdata file", () => {
    const served = {
      url: "https://kbs.example.com",
      registeredSecrets: ["trustee-image-policy", "regcred", "registries"],
      secretKeys: { "trustee-image-policy": ["policy"], regcred: ["dockerconfigjson"] },
    };
    const uris = {
      image_security_policy_uri: "kbs:///default/trustee-image-policy/policy",
      authenticated_registry_credentials_uri: "kbs:///default/regcred/dockerconfigjson",
      registry_configuration_uri: "kbs:///default/registries/test",
      sigstore_config_uri: "kbs:///default/sigstore-config/test",
    };
    const document = (hub: TOML.JsonMap): string =>
      TOML.stringify({ algorithm: "sha256", version: "0.1.0", data: { "cdh.toml": TOML.stringify(hub) } });
    const issues = (
      hub: TOML.JsonMap,
      trustee: Parameters<typeof check>[1] = served,
      change: Parameters<typeof check>[0] = {},
    ): readonly string[] =>
      check({ pods: [{ name: "a", initdataFile: "a" }], ...change }, trustee, { a: document(hub) }).issues;
    const at = "pods[0].initdataFile:";

    it("read everything that the guest fetches to start, as in the field", () => {
      const hub = {
        kbc: { name: "cc_kbc", url: "https://kbs.example.com" },
        credentials: [{ resource_uri: "kbs:///default/kms-cred/client", path: "/run/c" }],
        image: uris,
      };
      expect(issues(hub)).toEqual([
        `${at} sigstore configuration "sigstore-config/test", whose secret is not registered with the KBS: a could not start`,
        `${at} credential "kms-cred/client", whose secret is not registered with the KBS: a could not start`,
      ]);
      expect(issues({ ...hub, kbc: { name: "offline_fs_kbc" } })).toEqual([]);
      const all = [...served.registeredSecrets, "sigstore-config", "kms-cred"];
      const denied = (what: string): string =>
        `${at} ${what}, which the resource policy would deny to a: it could not start`;
      expect(issues(hub, { ...served, registeredSecrets: all })).toEqual([]);
      expect(issues(hub, { ...served, registeredSecrets: all }, { otherSecrets: "deny" })).toEqual([
        denied('"trustee-image-policy/policy"'),
        denied('registry credentials "regcred/dockerconfigjson"'),
        denied('registry configuration "registries/test"'),
        denied('sigstore configuration "sigstore-config/test"'),
        denied('credential "kms-cred/client"'),
      ]);
    });

    it("require that the Secret exists and has the key, if it can be read", () => {
      const image = { authenticated_registry_credentials_uri: "kbs:///default/regcred/test" };
      expect(issues({ image })).toEqual([
        `${at} registry credentials "regcred/test", whose Secret has no such key: a could not start`,
      ]);
      expect(issues({ image }, { ...served, secretKeys: {} })).toEqual([]);
      expect(issues({ image }, { ...served, missingSecrets: ["regcred"] })).toEqual([
        `${at} registry credentials "regcred/test", whose Secret does not exist: a could not start`,
      ]);
      const own = { secrets: [{ name: "regcred", keys: ["test"], from: "generate" }], grants: [] };
      expect(issues({ image }, { registeredSecrets: [] }, own)).toEqual([
        `${at} registry credentials "regcred/test", which the resource policy would deny to a: it could not start`,
      ]);
      expect(
        issues({ image }, { registeredSecrets: [] }, { ...own, grants: [{ pod: "a", secret: "regcred" }] }),
      ).toEqual([]);
    });

    // image-rs/src/builder.rs: the URI overrides the text; for the registry configuration, the table
    // overrides.
    it("choose as the guest does if something is given twice", () => {
      const policy = JSON.stringify({
        default: [{ type: "reject" }],
        transports: {
          docker: { "quay.io/a": [{ type: "sigstoreSigned", keyPath: "kbs:///default/cosign/key" }] },
        },
      });
      const key = `${at} key of the image policy "cosign/key", whose secret is not registered with the KBS: a could not start`;
      expect(issues({ image: { image_security_policy: policy } })).toEqual([key]);
      expect(
        issues({ image: { ...uris, sigstore_config_uri: "/x", image_security_policy: policy } }),
      ).toEqual([]);
      expect(issues({ image: { image_security_policy: "accept" } })).toEqual([
        `${at} "accept", which is not an image policy in JSON (image.image_security_policy): a could not start`,
      ]);
      const registries = { registry_configuration_uri: "kbs:///default/none/x" };
      expect(issues({ image: { ...registries, registry_config: { registry: [] } } })).toEqual([]);
      expect(issues({ image: registries })).toHaveLength(1);
    });

    // image-rs/src/resource/mod.rs, attestation-agent/deps/resource_uri/src/lib.rs
    it.each([
      ["file:///etc/auth.json", undefined],
      ["/etc/auth.json", undefined],
      ["kbs+pkcs11:///default/x/y", undefined],
      ["kbs://kbs.example.com:8080/default/regcred/dockerconfigjson", undefined],
      ["kbs:///default/regcred", "which is not of the form kbs:///<repository>/<secret>/<key>"],
      ["kbs:///default/regcred/a/b", "which is not of the form kbs:///<repository>/<secret>/<key>"],
      ["kbs:/regcred/a", "which is not of the form kbs:///<repository>/<secret>/<key>"],
      ["https://example.com/auth.json", "which has the scheme https, which no guest supports"],
      ["", "which is not a URI"],
    ])("read the URI %s as the guest does", (uri, flaw) => {
      const setting = "image.authenticated_registry_credentials_uri";
      const expected =
        flaw === undefined
          ? []
          : [`${at} registry credentials "${uri}", ${flaw} (${setting}): a could not start`];
      expect(issues({ image: { authenticated_registry_credentials_uri: uri } })).toEqual(expected);
    });
  });
});
