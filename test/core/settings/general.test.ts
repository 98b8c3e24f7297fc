import { describe, expect, it } from "vitest";
import { IssuesError } from "../../../core/issues.ts";
import { parseSettings, type RawSettings } from "../../../core/settings/settings.ts";

function problems(raw: RawSettings): readonly string[] {
  try {
    parseSettings({ podDefaults: { image: "i" }, ...raw }, {}, "the settings");
    return [];
  } catch (error) {
    if (!(error instanceof IssuesError)) throw error;
    return error.issues.map(({ path, given }) => `${path}: ${given}`);
  }
}

describe("secrets by their source", () => {
  it("takes the keys from the files, in order", () => {
    const { secrets } = parseSettings(
      { secrets: [{ name: "tls", from: "file", files: { "b.pem": "b", "a.pem": "a" } }] },
      {},
      "the settings",
    );
    expect(secrets).toEqual([
      { name: "tls", from: "file", files: { "b.pem": "b", "a.pem": "a" }, keys: ["a.pem", "b.pem"] },
    ]);
  });

  it("refuses what belongs to another source", () => {
    expect(
      problems({
        secrets: [
          { name: "a", keys: ["x"], length: 20 },
          { name: "b", keys: ["x"], from: "generate", files: { x: "f" } },
          { name: "c", keys: ["x", "y"], from: "file", files: { x: "f", z: "g" } },
          { name: "d", from: "generate" },
          { name: "e", keys: ["x"], from: "generate", length: 8 },
        ],
      }),
    ).toEqual(["secrets[4].length: 8"]);
    expect(
      problems({
        secrets: [
          { name: "a", keys: ["x"], length: 20 },
          { name: "b", keys: ["x"], from: "generate", files: { x: "f" } },
          { name: "c", keys: ["x", "y"], from: "file", files: { x: "f", z: "g" } },
          { name: "d", from: "generate" },
        ],
      }),
    ).toEqual([
      "secrets[0].length: 20, for a secret with from: existing",
      "secrets[1].files: files for a secret with from: generate",
      "secrets[2].files.y: nothing",
      "secrets[2].files.z: a file for an undeclared key",
      "secrets[3].keys: no key",
    ]);
  });
});

describe("pods and readers", () => {
  it("tells pods apart by namespace and name, whatever their kind", () => {
    const pods = [
      { name: "web" },
      { name: "web", namespace: "b", kind: "Deployment" },
      { name: "web", namespace: "b" },
      { name: "web", namespace: "default", kind: "Job" },
    ];
    expect(problems({ pods })).toEqual(['pods[2].name: "b/web"', 'pods[3].name: "web"']);
  });

  it("wants a namespace where a grant could mean two pods", () => {
    const pods = [
      { name: "web", namespace: "a" },
      { name: "web", namespace: "b" },
    ];
    const grants = [
      { pod: "web", secret: "s" },
      { pod: "b/web", secret: "s" },
      { pod: "c/web", secret: "s" },
    ];
    expect(problems({ secrets: [{ name: "s", keys: ["k"] }], pods, grants })).toEqual([
      'grants[0].pod: "web", a name in several namespaces',
      'grants[2].pod: "c/web"',
    ]);
  });

  it("finds the same grant by two names of one pod", () => {
    const grants = [
      { pod: "web", secret: "s" },
      { pod: "default/web", secret: "s" },
    ];
    expect(problems({ secrets: [{ name: "s", keys: ["k"] }], pods: [{ name: "web" }], grants })).toEqual([
      'grants[1]: "web -> s/*"',
    ]);
  });

  it("refuses grants to both or neither, and unknown readers", () => {
    const grants = [
      { secret: "s" },
      { pod: "web", reader: "r", secret: "s" },
      { reader: "nobody", secret: "s" },
    ];
    expect(
      problems({
        secrets: [{ name: "s", keys: ["k"] }],
        pods: [{ name: "web" }],
        readers: [{ name: "r", initdata: "ab".repeat(32) }],
        grants,
      }),
    ).toEqual([
      "grants[0]: neither pod nor reader",
      "grants[1]: both pod and reader",
      'grants[2].reader: "nobody"',
    ]);
  });

  it("refuses a reader that anybody could be, or nobody", () => {
    expect(
      problems({
        pods: [{ name: "web" }],
        readers: [
          { name: "zeros", initdata: "0".repeat(64) },
          { name: "short", initdata: "ab" },
          { name: "tdx", initdata: "ab".repeat(32), binding: "tdx" },
          { name: "both", initdata: "ab".repeat(32), initdataFile: "f" },
          { name: "none" },
          { name: "web", initdata: "ab".repeat(32) },
          { name: "not hex", initdata: "xy".repeat(32) },
        ],
      }),
    ).toEqual([
      "readers[0].initdata: zeros, which every guest without initdata claims",
      'readers[1].initdata: "ab"',
      `readers[2].initdata: "${"ab".repeat(32)}"`,
      "readers[3]: both initdata and initdataFile",
      "readers[4]: neither initdata nor initdataFile",
      'readers[6].name: "not hex"',
      `readers[6].initdata: "${"xy".repeat(32)}"`,
      'readers[5].name: "web"',
    ]);
  });

  it("refuses what does not go together", () => {
    const pods = [
      { name: "a", replicas: 2 },
      { name: "b", deploy: false, adopt: true },
      { name: "c.d", kind: "Deployment", containerName: "c" },
    ];
    expect(problems({ pods })).toEqual([
      "pods[0].replicas: 2 for a Pod",
      "pods[1].adopt: true, for a pod that is not deployed here",
      'pods[2].name: "c.d"',
    ]);
  });

  it("takes a default of replicas for the kinds that have them", () => {
    const { pods } = parseSettings(
      {
        podDefaults: { image: "i", replicas: 3 },
        pods: [
          { name: "a" },
          { name: "b", kind: "StatefulSet" },
          { name: "c", kind: "Deployment", replicas: 1 },
        ],
      },
      {},
      "the settings",
    );
    expect(pods.map(({ replicas }) => replicas)).toEqual([undefined, 3, 1]);
  });

  it("needs no image for a pod that somebody else deploys", () => {
    expect(problems({ podDefaults: {}, pods: [{ name: "a", deploy: false }] })).toEqual([]);
  });
});
