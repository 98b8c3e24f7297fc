import { annotationWarnings } from "../../../core/preflight/warnings.ts";
import { hash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { accessReport, matrixText } from "../../../core/access/matrix.ts";
import { affirmingToken } from "../../../core/access/token.ts";
import { decide } from "../../../core/access/model.ts";
import { matrixSvg } from "../../../cli/report/svg.ts";
import { encodeAnnotation } from "../../../core/initdata/annotation.ts";
import { bindings } from "../../../core/initdata/binding.ts";
import type { Plan, PlanSources } from "../../../core/plan/plan.ts";
import { mergeGrants } from "../../../core/policy/grants.ts";
import type { RawSettings } from "../../../core/settings/settings.ts";
import { planOf, problemsOf, settingsOf } from "../../fixtures/settings.ts";
import { allKeys } from "../../fixtures/grants.ts";

const PCR8 = "ab".repeat(32);

const plan = (raw: RawSettings, sources?: PlanSources): Plan => planOf(settingsOf(raw), sources);

describe("pods of one name in several namespaces", () => {
  const two = plan({
    secrets: [{ name: "db", keys: ["admin", "app"] }],
    pods: [{ name: "web" }, { name: "web", namespace: "team-b" }],
    grants: [
      { pod: "default/web", secret: "db", key: "app" },
      { pod: "team-b/web", secret: "db", key: "admin" },
    ],
  });

  it("have their own initdata, and are named by namespace and name outside of default", () => {
    const [one, other] = two.pods;
    expect(two.readers.map(({ id, namespace }) => ({ id, namespace }))).toEqual([
      { id: "web", namespace: "default" },
      { id: "team-b/web", namespace: "team-b" },
    ]);
    expect(one?.toml).toContain('\npod_name = "web"\n\n[data]');
    expect(other?.toml).toContain('\npod_name = "web"\npod_namespace = "team-b"\n');
    expect(two.grants.secrets).toEqual({
      db: {
        admin: { "azure-vtpm": { [other?.initData ?? ""]: "team-b/web" } },
        app: { "azure-vtpm": { [one?.initData ?? ""]: "web" } },
      },
    });
  });

  it("have one row each", () => {
    expect(matrixText(two.matrix)).toEqual([
      "            db/admin    db/app",
      "web         ✗ denied    ✓ may read",
      "team-b/web  ✓ may read  ✗ denied",
    ]);
    expect(accessReport(two.matrix)).toEqual({
      web: { "db/admin": "not-a-reader", "db/app": "granted" },
      "team-b/web": { "db/admin": "granted", "db/app": "not-a-reader" },
    });
  });
});

describe("readers deployed elsewhere", () => {
  const file = 'algorithm = "sha256"\nversion = "0.1.0"\npod_name = "c"\n[data]\n';
  const settings = {
    secrets: [{ name: "db", keys: ["app"] }],
    readers: [
      { name: "by-digest", initdata: PCR8.toUpperCase() },
      { name: "by-file", initdataFile: "c.toml" },
      { name: "unregistered", initdata: "cd".repeat(32), referenceValues: false },
    ],
    grants: ["by-digest", "by-file", "unregistered"].map((reader) => ({ reader, secret: "db" })),
  };

  it("are granted by their claim, are registered by default, and are in the matrix", () => {
    // printf of the file | sha256sum, then the tutorial's xxd pipeline.
    const byFile = "e140b60f408eb8175cd9c4be542fe8a02ec096f3ff6afb437afa608e59516b04";
    const { grants, digests, matrix } = plan(settings, { files: { "c.toml": file } });
    expect(grants.secrets).toEqual({
      db: allKeys({ [PCR8]: "by-digest", ["cd".repeat(32)]: "unregistered", [byFile]: "by-file" }),
    });
    expect(digests).toEqual({ snp_pcr08: [byFile, PCR8].sort(), tdx_pcr08: [byFile, PCR8].sort() });
    expect(matrixText(matrix).slice(1)).toEqual([
      "by-digest     ✓ may read",
      "by-file       ✓ may read",
      "unregistered  ✓ may read",
    ]);
  });

  it("must not have the same digest as a pod or each other", () => {
    const pods = [{ name: "c", initdataFile: "c.toml" }];
    const readers = [
      { name: "a", initdataFile: "c.toml" },
      { name: "b", initdata: PCR8 },
      { name: "d", initdata: PCR8 },
    ];
    expect(problemsOf(() => plan({ pods, readers }, { files: { "c.toml": file } }))).toEqual([
      "readers[0]: the same initdata as c",
      "readers[2]: the same initdata as b",
    ]);
  });
});

describe("bindings", () => {
  const pods = [
    { name: "azure" },
    { name: "snp", binding: "snp", algorithm: "sha384" },
    { name: "tdx", binding: "tdx", algorithm: "sha512" },
    { name: "dev", binding: "sample", runtimeClassName: "kata-qemu-coco-dev" },
  ];
  const settings = {
    secrets: [{ name: "db", keys: ["app"] }],
    pods,
    grants: pods.map(({ name }) => ({ pod: name, secret: "db" })),
  };

  it("put Azure's PCR8 into the tutorial's entries, bare-metal claims into their own, and the sample TEE's nowhere", () => {
    const { readers, digests } = plan(settings);
    const [azure = "", snp = "", tdx = ""] = readers.map(({ initData }) => initData);
    expect(digests).toEqual({ snp_pcr08: [azure], tdx_pcr08: [azure] });
    const named = plan({
      ...settings,
      referenceValues: { entries: { snp: ["snp_host_data"], tdx: ["mr_config_id"] } },
    });
    expect(named.digests).toEqual({
      mr_config_id: [tdx],
      snp_host_data: [snp, Buffer.from(snp, "hex").toString("base64")].sort(),
      snp_pcr08: [azure],
      tdx_pcr08: [azure],
    });
  });

  it("grant SNP's claim as Trustee reports it from v0.18, and as before", () => {
    const { readers, grants } = plan(settings);
    const rules = mergeGrants([grants]);
    const request = { "resource-path": ["default", "db", "app"], plugin: "resource" };
    const hex = readers[1]?.initData ?? "";
    const claims = [hex, Buffer.from(hex, "hex").toString("base64"), hex.toUpperCase(), ""];
    const whys = claims.map((claim) => decide(rules, request, affirmingToken(claim, "snp")).why);
    expect(whys).toEqual(["granted", "granted", "not-a-reader", "not-a-reader"]);
  });

  it("grant each claim only to TEEs with that binding", () => {
    const { readers, grants } = plan(settings);
    const rules = mergeGrants([grants]);
    const request = { "resource-path": ["default", "db", "app"], plugin: "resource" };
    for (const { binding, spellings } of readers) {
      const open = spellings.flatMap((claim) =>
        bindings.filter((one) => decide(rules, request, affirmingToken(claim, one)).allowed),
      );
      expect(open).toEqual(spellings.map(() => binding));
    }
  });

  it("report that no hardware attests the sample TEE, wherever it is shown", () => {
    const { matrix, readers } = plan(settings);
    expect(matrixText(matrix)).toEqual([
      "       db/app",
      "azure  ✓ may read",
      "snp    ✓ may read",
      "tdx    ✓ may read",
      "dev    ✓ may read",
      "sample: not attested by hardware: dev",
    ]);
    expect(matrixSvg(matrix)).toContain("sample: not attested by hardware</text>");
    // sha256 of the document in base64, as KBSs v0.16 to v0.21 put it into tokens of the sample TEE.
    const toml = plan(settings).pods.at(-1)?.toml ?? "";
    const digest = hash("sha256", toml, "base64");
    expect(readers.at(-1)).toMatchObject({ binding: "sample", initData: digest, spellings: [digest] });
  });
});

describe("an object in the cluster", () => {
  const toml = 'algorithm = "sha256"\nversion = "0.1.0"\n[data]\n';
  const settings = { pods: [{ name: "a", initdataFile: "a.toml", adopt: true }, { name: "b" }] };
  const files = { "a.toml": toml };
  const annotation = (text: string): string => gzipSync(text, { level: 1 }).toString("base64");
  const other = annotation(`# another\n${toml}`);

  it("keeps its annotation byte for byte if the initdata is the same", () => {
    const live = { annotation: annotation(toml) };
    expect(live.annotation).not.toBe(encodeAnnotation(toml));
    const { pods } = plan(settings, { files, livePods: { a: live } });
    expect(pods[0]?.annotation).toBe(live.annotation);
  });

  it("is adopted, is the stack's own, or does not exist", () => {
    const raw = { pods: [...settings.pods, { name: "c" }] };
    const livePods = { a: { annotation: annotation(toml) }, b: { stack: "o/p/s" } };
    expect(plan(raw, { files, livePods }).pods.map(({ live }) => live)).toEqual(["adopted", "own", "none"]);
  });

  it("is refused if its initdata differs, or without adopt", () => {
    const livePods = { a: { annotation: other }, b: {} };
    expect(problemsOf(() => plan(settings, { files, livePods }))).toEqual([
      'pods[0].adopt: Pod "a" in namespace "default", which runs with other initdata',
      'pods[1].adopt: nothing, and Pod "b" in namespace "default" exists already',
    ]);
  });

  it("is refused without initdata, with the name of a misspelled annotation", () => {
    const name = "io.katacontainers.config.runtime.cc_init_data";
    expect(
      problemsOf(() => plan(settings, { files, livePods: { a: { strayAnnotations: [name] } } })),
    ).toEqual([
      `pods[0].adopt: Pod "a" in namespace "default", which runs with no initdata: ${name} is the former name of the initdata annotation, which only old runtimes read`,
    ]);
  });

  it("is adopted with line breaks in its annotation, with a warning", () => {
    const live = { annotation: `${annotation(toml)}\n` };
    const taken = plan(settings, { files, livePods: { a: live } });
    expect(taken.pods[0]?.annotation).toBe(live.annotation);
    expect(annotationWarnings(taken)).toEqual([
      "pods[0]: its initdata annotation, which stays as it is in the cluster, has line breaks: Kata's Go runtime accepts them, its Rust runtime (runtime-rs) does not. If a pod does not start, delete it, and run pulumi up.",
    ]);
  });

  it("is refused if it belongs to another stack, with that stack's name", () => {
    const theirs = { annotation: annotation(toml), stack: "o/p/theirs" };
    const raw = { pods: [settings.pods[0], { name: "b" }, { name: "c", kind: "Deployment" }] };
    const livePods = { a: { ...theirs, annotation: other }, b: theirs, c: theirs };
    expect(problemsOf(() => plan(raw, { files, livePods }))).toEqual([
      'pods[0].adopt: Pod "a" in namespace "default", which runs with other initdata',
      'pods[1].adopt: nothing, and Pod "b" in namespace "default" exists already and belongs to the stack o/p/theirs',
      'pods[2].adopt: nothing, and Deployment "c" in namespace "default" exists already and belongs to the stack o/p/theirs',
    ]);
    expect(() => plan(raw, { files, livePods })).toThrow(
      "kubectl annotate deployment c -n default trustee-access/stack=o/p/s",
    );
    expect(() => plan(raw, { files, livePods })).toThrow("remove it from o/p/theirs first");
  });

  it("may change if it is this stack's", () => {
    const livePods = { a: { annotation: other, stack: "o/p/s" }, b: { stack: "o/p/s" } };
    const { pods } = plan(settings, { files, livePods });
    expect(pods[0]?.annotation).toBe(encodeAnnotation(toml));
  });
});
