import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { LiveTrustee } from "../../../core/preflight/guard.ts";
import { joinPolicy } from "../../../core/policy/share.ts";
import { defined } from "../../../core/records.ts";
import type { RawSettings } from "../../../core/settings/settings.ts";
import { guestCertificate as pem, initdataWith } from "./guest-certificates.ts";
import { check, STACK } from "./support.ts";
import { stackGrants } from "../../fixtures/grants.ts";

/** A text that gzip makes only a quarter smaller, which base64 adds again. */
function noise(bytes: number): string {
  let text = "";
  for (let index = 0; text.length < bytes; index += 1) {
    text += createHash("sha512").update(String(index)).digest("base64");
  }
  return text.slice(0, bytes);
}

const THEIRS = { expiration: "2030-01-01T00:00:00Z" };

function valuesText(key: string, values: readonly { readonly name: string }[]): string {
  const encoded = values.map((one) => [one.name, Buffer.from(JSON.stringify(one)).toString("base64url")]);
  return JSON.stringify(key === "reference_value" ? Object.fromEntries(encoded) : values);
}

describe("the guards", () => {
  it("report nothing if all is sound, and show how full everything is", () => {
    const { warnings, issues, budget } = check({});
    expect({ warnings, issues }).toEqual({ warnings: [], issues: [] });
    expect(budget).toEqual({
      annotations: { used: 1616, limit: 262_144, percent: 1, pod: "a" },
      userData: { used: 7724, limit: 65_536, percent: 12, pod: "a", cloud: "azure" },
      resourcePolicy: { used: 3708, limit: 1_048_576, percent: 1, podsThatFit: 5073 },
      referenceValues: { used: 490, limit: 1_048_576, percent: 1, podsThatFit: 4297 },
      referenceValuesLedger: { used: 882, limit: 262_144, percent: 1, podsThatFit: 887 },
    });
  });

  it("warn of images by tag, once per image", () => {
    const pods = [
      ...["a", "b", "c", "d", "e", "f", "g"].map((name) => ({ name, image: "registry.example/app:latest" })),
      { name: "elsewhere", image: "registry.example/app:latest", deploy: false },
      { name: "pinned" },
    ];
    expect(check({ pods }).warnings).toEqual([
      "image registry.example/app:latest (a, b, c, d, e and 2 more) has no digest: the pulled content is not measured. Pin it as repository@sha256:..., or rely only on its signature.",
    ]);
  });

  it("warn of an agent policy that allows what the tutorial rejects", () => {
    const file = `algorithm = "sha256"
version = "0.1.0"
[data]
"cdh.toml" = '''
[kbc]
url = "https://old.example.com"
'''
"policy.rego" = '''
package agent_policy
default ExecProcessRequest := true
default WriteStreamRequest := false
  default SetPolicyRequest = true
'''
`;
    const pods = [
      { name: "a", agentRequests: { SetPolicyRequest: true, CopyFileRequest: false } },
      { name: "b", agentRequests: { WriteStreamRequest: false }, execCommands: ["/bin/sh -c id"] },
      { name: "c", initdataFile: "c.toml" },
      { name: "d", execCommands: ["cat /proc/meminfo", "sha256sum /etc/os-release"] },
    ];
    expect(check({ pods }, {}, { "c.toml": file }).warnings).toEqual([
      "agent policy of a: it refuses CopyFileRequest, which a guest needs to start: no pod starts with it. Remove these requests from agentRequests.",
      "agent policy of a: SetPolicyRequest is allowed, so the host can replace the agent policy in the running guest.",
      'agent policy of b: exec may run "/bin/sh -c id", which can run any other program.',
      "agent policy of c: it refuses CreateSandboxRequest, GuestDetailsRequest, UpdateInterfaceRequest, UpdateRoutesRequest, CopyFileRequest, CreateContainerRequest, StartContainerRequest, WaitProcessRequest, which a guest needs to start: no pod starts with it. Allow them, for example default CreateSandboxRequest := true.",
      "agent policy of c: ExecProcessRequest is allowed (policy.rego, line 2), so the host can run any command in the guest.",
      "agent policy of c: SetPolicyRequest is allowed (policy.rego, line 4), so the host can replace the agent policy in the running guest.",
      "pods[2].initdataFile: there is no aa.toml in it, so unless the guest's image names a KBS, its attestation agent has none: the pod gets no secret.",
      "pods[2].initdataFile: its cdh.toml names the KBS https://old.example.com, but the live one is at https://kbs.example.com: the pod gets no secret from this Trustee. If it should, put the live URL into the file.",
    ]);
  });

  it.each(["reference-values.json", "reference_value"])(
    "accept any JSON of other clients under %s",
    (key) => {
      const values = [1, true, null, "x", { a: [1] }, [1, "x"]].map((value, at) => ({
        ...{ ...THEIRS, name: `n${at}`, value },
      }));
      const { warnings, issues } = check(
        {},
        { referenceValuesKey: key, referenceValues: valuesText(key, values) },
      );
      expect({ warnings, issues }).toEqual({ warnings: [], issues: [] });
    },
  );

  it.each(["reference-values.json", "reference_value"])(
    "refuse an entry under %s that cannot hold digests",
    (key) => {
      const values = [
        { ...THEIRS, name: "snp_pcr08", value: true },
        { ...THEIRS, name: "tdx_pcr08", value: "x" },
      ];
      expect(check({}, { referenceValuesKey: key, referenceValues: valuesText(key, values) }).issues).toEqual(
        [
          `referenceValues.entries: The reference values under the key "${key}" cannot hold digests: entry "snp_pcr08" has no list under "value"`,
        ],
      );
    },
  );

  it("refuse an entry that cannot hold digests because it is unreadable", () => {
    const referenceValues = '{"snp_pcr08":"not base64 of JSON","other":"not base64 of JSON"}';
    const { issues } = check({}, { referenceValuesKey: "reference_value", referenceValues });
    expect(issues).toEqual([
      expect.stringContaining(
        'The reference values under the key "reference_value" cannot be read: entry "snp_pcr08" is base64url, but not of JSON.',
      ),
    ]);
  });

  it("warn of readers without hardware attestation", () => {
    const pods = [{ name: "a" }, { name: "dev", binding: "sample" }];
    const readers = [{ name: "elsewhere", initdata: `${"a".repeat(43)}=`, binding: "sample" }];
    expect(check({ pods, readers }).warnings).toEqual([
      "sample: not attested by hardware: dev, elsewhere: anybody who knows their initdata, which is public, can read what is granted to them. Use this only on development clusters.",
    ]);
  });

  it("warn of duplicate reference values", () => {
    const value = (name: string, list: readonly string[]): unknown => ({ ...THEIRS, name, value: list });
    const referenceValues = JSON.stringify([
      value("snp_pcr08", ["a".repeat(64), "b".repeat(64), "a".repeat(64), "b".repeat(64)]),
      value("tdx_pcr08", ["a".repeat(64), "a".repeat(64)]),
      value("other", ["a", "b"]),
    ]);
    expect(check({}, { referenceValues }).warnings).toEqual([
      "reference values: the entry snp_pcr08 holds 2 values more than once (aaaaaaaaaaaa..., bbbbbbbbbbbb...). The duplicates can be removed safely.",
      "reference values: the entry tdx_pcr08 holds a value more than once (aaaaaaaaaaaa...). The duplicates can be removed safely.",
    ]);
  });

  it("warn before a limit, and refuse beyond it", () => {
    const big = (bytes: number, binding = "azure-vtpm"): RawSettings => ({
      pods: [{ name: "a", binding, claims: { note: noise(bytes) } }],
    });
    expect(check(big(40_000)).warnings).toEqual([
      expect.stringMatching(
        /^pods\[0\]: user data of a on azure: 6\d,\d{3} of 65,536 bytes \(\d\d %\)\. Make its initdata smaller/,
      ),
    ]);
    expect(check(big(60_000)).issues).toEqual([
      expect.stringMatching(/^pods\[0\]: user data of a on azure: 8\d,\d{3} of 65,536 bytes \(1\d\d %\)$/),
    ]);
    expect(check({ ...big(15_000), podCluster: { cloud: "aws" } }).issues).toEqual([
      expect.stringMatching(/^pods\[0\]: user data of a on aws: 2\d,\d{3} of 16,384 bytes \(1\d\d %\)$/),
    ]);
    expect(check({ ...big(60_000, "snp"), podCluster: { cloud: "libvirt" } })).toMatchObject({
      warnings: [],
      issues: [],
    });
    const annotations = { "example.com/note": "x".repeat(262_144) };
    expect(check({ pods: [{ name: "a", annotations }] }).issues).toEqual([
      expect.stringMatching(/^pods\[0\]: annotations of a: 26\d,\d{3} of 262,144 bytes \(10\d %\)$/),
    ]);
  });

  it("show how many pods fit until the ledger of their digests is full", () => {
    const pods = (count: number): RawSettings => ({
      pods: Array.from({ length: count }, (_, index) => ({ name: `p${index}`, imagePolicy: false })),
      grants: [],
    });
    const { podsThatFit } = (check(pods(700)).budget as { referenceValuesLedger: { podsThatFit: number } })
      .referenceValuesLedger;
    expect(check(pods(podsThatFit)).issues).toEqual([]);
    expect(check(pods(podsThatFit)).warnings).toEqual([
      expect.stringMatching(
        /^pods: the record of our digests on the ConfigMap of the reference values: 26\d,\d{3} of 262,144 bytes \(100 %\); \d{3} pods like these fit\. Put some of the pods on another Trustee/,
      ),
    ]);
    expect(check(pods(podsThatFit + 1)).issues).toEqual([
      expect.stringMatching(/^pods: the record of our digests .* \(101 %\); \d{3} pods like these fit$/),
    ]);
  });

  it("count other content of the ConfigMaps, and other stacks' part of the ledger", () => {
    const bytes = (used: number): string => String(used).replace(/\B(?=(\d{3})+$)/g, ",");
    expect(check({}, { policyOtherBytes: 1_048_000, referenceValuesOtherBytes: 1_048_500 }).issues).toEqual([
      `grants: the resource policy in its ConfigMap: ${bytes(1_048_000 + 3708)} of 1,048,576 bytes (101 %); 0 pods like these fit`,
      `pods: the reference values in their ConfigMap: ${bytes(1_048_500 + 490)} of 1,048,576 bytes (101 %); 0 pods like these fit`,
    ]);
    const digests = Array.from({ length: 2000 }, (_, index) => String(index).padStart(64, "0"));
    const ledger = (owner: string): Partial<LiveTrustee> => ({
      referenceValuesAnnotations: {
        "trustee-access/reference-values": JSON.stringify({
          "reference-values.json": {
            added: { snp_pcr08: digests },
            created: {},
            owners: { [owner]: { snp_pcr08: digests } },
          },
        }),
      },
    });
    for (const owner of ["urn:pulumi:s::p::a", "Ke9q@urn:pulumi:s::p::a"])
      expect(check({}, ledger(owner)).issues).toEqual([]);
    expect(check({}, ledger("urn:pulumi:theirs::p::a")).issues).toEqual([
      expect.stringMatching(
        /^pods: the record of our digests on the ConfigMap of the reference values: 26\d,\d{3} of 262,144 bytes \(103 %\); 0 pods like these fit$/,
      ),
    ]);
  });

  it("count the previous digests of changing pods during the grace period", () => {
    const former = stackGrants(STACK, { db: { "*": { "azure-vtpm": { ["ab".repeat(32)]: "a" } } } });
    const policy = joinPolicy(null, former);
    const { resourcePolicy } = check({}, { policy }).budget as { resourcePolicy: { used: number } };
    const room = 1_048_576 - resourcePolicy.used;
    expect(check({}, { policy, policyOtherBytes: room }).issues).toEqual([
      expect.stringMatching(
        /^rotation: the resource policy in its ConfigMap, during the grace period: 1,048,\d{3} of 1,048,576 bytes \(101 %\)$/,
      ),
    ]);
    expect(check({ rotation: "at-once" }, { policy, policyOtherBytes: room }).issues).toEqual([]);
  });

  describe("on a policy that KBS v0.20 and later do not read", () => {
    const keys = (count: number): RawSettings => ({
      secrets: Array.from({ length: count }, (_, at) => ({ name: `s${at}`, keys: ["key"] })),
      grants: Array.from({ length: count }, (_, at) => ({ pod: "a", secret: `s${at}` })),
    });
    const lines = "grants: the resource policy, with 20,412 lines";

    it("refuse it, with an operator that may run such a KBS", () => {
      expect(check(keys(2_840)).issues).toEqual([]);
      for (const policyKey of [undefined, "resource-policy.rego", "mine.rego"])
        expect(check(keys(2_900), defined({ policyKey })).issues).toEqual([lines]);
    });

    it("warn of it with an older operator", () => {
      const { issues, warnings } = check(keys(2_900), { policyKey: "policy.rego" });
      expect(issues).toEqual([]);
      expect(warnings).toEqual([
        `${lines}; allowed are 20,000 lines at most: KBS v0.20 and later deny every request otherwise. Put some of the secrets on another Trustee, or grant secrets as a whole and not by key.`,
      ]);
    });

    it("refuse it during the grace period only", () => {
      const secrets = Object.fromEntries(
        Array.from({ length: 20 }, (_, at) => [
          `s${at}`,
          { "*": { "azure-vtpm": { ["ab".repeat(32)]: "a" } } },
        ]),
      );
      const policy = joinPolicy(null, stackGrants(STACK, secrets));
      expect(check(keys(2_840), { policy }).issues).toEqual([
        "rotation: the resource policy, with 20,012 lines, during the grace period",
      ]);
      expect(check({ ...keys(2_840), rotation: "at-once" }, { policy }).issues).toEqual([]);
    });

    it("count the lines of other stacks that are restored", () => {
      const secrets = Object.fromEntries(Array.from({ length: 20_000 }, (_, at) => [`s${at}`, {}]));
      expect(check({}, { vanished: [stackGrants("o/p/t", secrets)] }).issues).toEqual([
        "grants: the resource policy, with 20,120 lines",
      ]);
    });

    it("refuse a name that is too long for a line, and accept many pods with the same initdata", () => {
      const shared = Array.from({ length: 60 }, (_, at) => ({
        name: `payments-worker-${at}`,
        initdataFile: "a.toml",
      }));
      const files = { "a.toml": initdataWith(pem("leaf")) };
      const grants = shared.map(({ name }) => ({ pod: name, secret: "db" }));
      expect(check({ pods: shared, grants }, {}, files).issues).toEqual([]);
      const wide = stackGrants("o/p/t", { ["x".repeat(1100)]: {} });
      expect(check({}, { policy: joinPolicy(null, wide) }).issues).toEqual([
        "grants: the resource policy, with code that is too wide in line 21",
      ]);
    });
  });

  it("name the source of a host that the certificate does not name", () => {
    const elsewhere = { url: "https://elsewhere.example.com" };
    const names = "it names DNS:kbs.example.com, DNS:*.apps.example.com, IP Address:192.0.2.7";
    expect(check({ trustee: elsewhere }, elsewhere).issues).toEqual([
      `trustee.url: the host elsewhere.example.com, which the certificate in Secret "trustee-tls-cert" does not name: ${names}`,
    ]);
    expect(check({ trustee: { url: "https://kbs.example.com" } }, elsewhere).issues).toEqual([
      `trustee.certificateSecret: Secret "trustee-tls-cert", whose certificate does not name the Route's host elsewhere.example.com: ${names}`,
    ]);
  });

  it("refuse a certificate of an unpinned CA, unless each pod has a file with its own certificate", () => {
    const [ca, served] = [pem("ca"), pem("leaf")];
    const refused = [
      expect.stringMatching(/^trustee\.certificateSecret: .* is issued by CN=Example Private CA,/),
    ];
    expect(check({}, { certificate: served }).issues).toEqual(refused);
    expect(check({ trustee: { certificateAuthority: ca } }, { certificate: served }).issues).toEqual([
      expect.stringMatching(/^trustee\.certificateAuthority: no certificate of CN=Example Private CA, /),
    ]);
    expect(
      check({ trustee: { certificateAuthorityFile: "ca.pem" } }, { certificate: served }).issues,
    ).toEqual([
      expect.stringMatching(/^trustee\.certificateAuthorityFile: no certificate of CN=Example Private CA, /),
    ]);
    const sound = { warnings: [], issues: [] };
    expect(check({}, { certificate: ca, servedCertificate: served })).toMatchObject(sound);
    const known = { trustee: { certificateAuthority: "public" } };
    expect(check(known, { certificate: undefined, servedCertificate: served })).toMatchObject(sound);
    const pods = [{ name: "a", initdataFile: "a.toml" }];
    expect(check({ pods }, { certificate: served }, { "a.toml": initdataWith(ca) })).toMatchObject(sound);
    expect(check({ pods }, { certificate: served }, { "a.toml": initdataWith(served) })).toMatchObject({
      issues: [],
      warnings: [expect.stringMatching(/^pods\[0\]\.initdataFile: .* is issued by CN=Example Private CA,/)],
    });
  });

  it("refuse a certificate that no guest accepts, together with all other problems", () => {
    expect(
      check({ otherSecrets: "deny", pods: [{ name: "a" }] }, { url: "https://elsewhere.example.com" }).issues,
    ).toEqual([
      'trustee.certificateSecret: Secret "trustee-tls-cert", whose certificate does not name the Route\'s host elsewhere.example.com: it names DNS:kbs.example.com, DNS:*.apps.example.com, IP Address:192.0.2.7',
      'pods[0].imagePolicy: "trustee-image-policy/policy", which the resource policy would deny to a: it could not start',
    ]);
  });
});
