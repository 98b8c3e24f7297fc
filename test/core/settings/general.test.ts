import { describe, expect, it } from "vitest";
import type { RawSettings } from "../../../core/settings/settings.ts";
import { settingsIssues, settingsOf, tutorialSecurityContext } from "../../fixtures/settings.ts";

const problems = (raw: RawSettings): readonly string[] =>
  settingsIssues(raw).map(({ path, given }) => `${path}: ${given}`);

describe("the settings of a secret", () => {
  it("take the keys from its files, in order", () => {
    const { secrets } = settingsOf({
      secrets: [{ name: "tls", from: "file", files: { "b.pem": "b", "a.pem": "a" } }],
    });
    expect(secrets).toEqual([
      { name: "tls", from: "file", files: { "b.pem": "b", "a.pem": "a" }, keys: ["a.pem", "b.pem"] },
    ]);
  });

  it("refuse settings that its source does not use", () => {
    const secrets = [
      { name: "a", keys: ["x"], length: 20 },
      { name: "b", keys: ["x"], from: "generate", files: { x: "f" } },
      { name: "c", keys: ["x", "y"], from: "file", files: { x: "f", z: "g" } },
      { name: "d", from: "generate" },
    ];
    expect(
      problems({ secrets: [...secrets, { name: "e", keys: ["x"], from: "generate", length: 8 }] }),
    ).toEqual(["secrets[4].length: 8"]);
    expect(problems({ secrets })).toEqual([
      "secrets[0].length: 20, for a secret with from: existing",
      "secrets[1].files: files for a secret with from: generate",
      "secrets[2].files.y: nothing",
      "secrets[2].files.z: a file for an undeclared key",
      "secrets[3].keys: no key",
    ]);
  });
});

describe("the settings of pods and readers", () => {
  it("distinguish pods by namespace and name, of any kind", () => {
    const pods = [
      { name: "web" },
      { name: "web", namespace: "b", kind: "Deployment" },
      { name: "web", namespace: "b" },
      { name: "web", namespace: "default", kind: "Job" },
    ];
    expect(problems({ pods })).toEqual(['pods[2].name: "b/web"', 'pods[3].name: "web"']);
  });

  it("require a namespace if a grant could mean two pods", () => {
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

  it("refuse a grant that repeats another under a second name of the pod", () => {
    const grants = [
      { pod: "web", secret: "s" },
      { pod: "default/web", secret: "s" },
    ];
    expect(problems({ secrets: [{ name: "s", keys: ["k"] }], pods: [{ name: "web" }], grants })).toEqual([
      'grants[1]: "web -> s/*"',
    ]);
  });

  it("refuse a grant to an unknown reader, to both a pod and a reader, or to neither", () => {
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

  it("refuse a reader whose initdata is missing, is given twice, is zeros or has the wrong form", () => {
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
          { name: "no-base64", initdata: "ab".repeat(32), binding: "sample" },
          { name: "zeros-in-base64", initdata: `${"A".repeat(43)}=`, binding: "sample" },
          { name: "sample", initdata: "k/dACqdnDNMuTqcYw+qKrbaI1qbxAcGffkbMica1ze8=", binding: "sample" },
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
      `readers[7].initdata: "${"ab".repeat(32)}"`,
      "readers[8].initdata: zeros, which every guest without initdata claims",
      'readers[5].name: "web"',
    ]);
  });

  it("refuse replicas of a Pod, adopt without deploy, and a dot in a Deployment's name", () => {
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

  it("apply podDefaults.replicas only to kinds that have replicas", () => {
    const { pods } = settingsOf({
      podDefaults: { image: "i", replicas: 3 },
      pods: [
        { name: "a" },
        { name: "b", kind: "StatefulSet" },
        { name: "c", kind: "Deployment", replicas: 1 },
      ],
    });
    expect(pods.map(({ replicas }) => replicas)).toEqual([undefined, 3, 1]);
  });

  it("merge a pod's maps over those of podDefaults, and replace everything else", () => {
    const podDefaults = {
      image: "i",
      command: ["a", "b"],
      env: { A: "1", B: "1" },
      labels: { a: "1", b: "1" },
      annotations: { a: "1", b: "1" },
      claims: { a: "1", b: "1" },
      agentRequests: { WriteStreamRequest: true, SetPolicyRequest: false },
      securityContext: { runAsNonRoot: true, runAsUser: 1001, capabilities: { drop: ["ALL"] } },
      resources: { requests: { cpu: "1", memory: "1Gi" }, limits: { cpu: "2" }, claims: [{ name: "a" }] },
    };
    const pod = {
      command: ["c"],
      env: { B: "2" },
      labels: { b: "2" },
      annotations: { b: "2" },
      claims: { b: "2" },
      agentRequests: { SetPolicyRequest: true },
      securityContext: { runAsUser: 5, capabilities: { add: ["NET_BIND_SERVICE"] } },
      resources: { requests: { memory: "2Gi" }, limits: { memory: "4Gi" } },
    };
    const { pods } = settingsOf({ podDefaults, pods: [{ name: "a", ...pod }] });
    expect(pods[0]).toMatchObject({
      command: ["c"],
      env: { A: "1", B: "2" },
      labels: { a: "1", b: "2" },
      annotations: { a: "1", b: "2" },
      claims: { a: "1", b: "2", pod_name: "a" },
    });
    expect(pods[0]?.agentPolicy.requests).toEqual({ WriteStreamRequest: true, SetPolicyRequest: true });
    expect(pods[0]?.securityContext).toEqual({
      runAsNonRoot: true,
      runAsUser: 5,
      capabilities: { add: ["NET_BIND_SERVICE"] },
    });
    expect(pods[0]?.resources).toEqual({
      requests: { cpu: "1", memory: "2Gi" },
      limits: { cpu: "2", memory: "4Gi" },
      claims: [{ name: "a" }],
    });
  });

  it("take securityContext and resources from the pod, else from podDefaults, else from the tutorial", () => {
    const [own, theirs] = [{ runAsUser: 5 }, { runAsUser: 6 }];
    const of = (podDefaults: object, pod: object): unknown => {
      const { pods } = settingsOf({
        podDefaults: { image: "i", ...podDefaults },
        pods: [{ name: "a", ...pod }],
      });
      return [pods[0]?.securityContext, pods[0]?.resources];
    };
    expect(of({}, { securityContext: own })).toEqual([own, undefined]);
    expect(of({ securityContext: theirs }, {})).toEqual([theirs, undefined]);
    expect(of({ securityContext: theirs }, { securityContext: {} })).toEqual([theirs, undefined]);
    expect(of({}, { resources: { limits: { cpu: 1 } } })).toEqual([
      tutorialSecurityContext,
      { limits: { cpu: 1 } },
    ]);
  });

  it("need no image for a pod that is deployed elsewhere", () => {
    expect(problems({ podDefaults: {}, pods: [{ name: "a", deploy: false }] })).toEqual([]);
  });
});
