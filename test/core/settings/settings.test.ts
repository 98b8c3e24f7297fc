import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { IssuesError } from "../../../core/issues.ts";
import type { RawSettings } from "../../../core/settings/settings.ts";
import {
  parseSettings,
  settingsOf,
  tutorialSecurityContext,
  tutorialSettings,
  tutorialValues,
} from "../../fixtures/settings.ts";

/** The paths of all problems in these settings; empty if there are none. */
function problems(settings: RawSettings, values = tutorialValues): readonly string[] {
  try {
    parseSettings(settings, values);
    return [];
  } catch (error) {
    if (!(error instanceof IssuesError)) throw error;
    return error.issues.map((issue) => issue.path);
  }
}

describe("parseSettings", () => {
  it("takes the tutorial's values for what is not set", () => {
    const settings = settingsOf(tutorialSettings, tutorialValues);
    expect(settings.pods[0]).toEqual({
      id: "pod1",
      name: "pod1",
      namespace: "default",
      kind: "Pod",
      deploy: true,
      adopt: false,
      algorithm: "sha256",
      binding: "azure-vtpm",
      claims: { pod_name: "pod1" },
      agentPolicy: {
        logs: true,
        allowedCommands: [
          "curl -s http://127.0.0.1:8006/cdh/resource/default/fraud-dataset/dataset_key",
          "curl -s http://127.0.0.1:8006/cdh/resource/default/p2-secret/secret",
          "curl -s http://127.0.0.1:8006/cdh/resource/default/kbsres1/key1",
        ],
        requests: {},
      },
      imagePolicyUri: "kbs:///default/trustee-image-policy/policy",
      image: "quay.io/confidential-devhub/signed/fraud-detection:latest",
      containerName: "fraud-detection",
      runtimeClassName: "kata-remote",
      machineType: "Standard_DC2as_v5",
      env: {},
      labels: {},
      annotations: {},
      securityContext: tutorialSecurityContext,
    });
    expect(settings.trustee).toEqual({
      namespace: "trustee-operator-system",
      kbsConfig: "trusteeconfig-kbs-config",
      deployment: "trustee-deployment",
      rolloutTimeoutMinutes: 10,
    });
    expect(settings.otherSecrets).toBe("affirming");
    expect(settings.readers).toEqual([]);
    expect(settings.referenceValues).toEqual({
      entries: { "azure-vtpm": ["snp_pcr08", "tdx_pcr08"], snp: [], tdx: [] },
      validityDays: 365,
      validityDaysOf: {},
    });
    expect(settings.rotation).toBe("overlap");
  });

  it("accepts Pulumi.dev.yaml", () => {
    const file = parse(readFileSync("Pulumi.dev.yaml", "utf8")) as { config: Record<string, unknown> };
    const raw = Object.fromEntries(
      Object.entries(file.config).map(([name, value]) => [name.replace("trustee-access:", ""), value]),
    );
    const { secretValues, ...settings } = raw;
    expect(JSON.stringify(secretValues)).toMatch(/^\{"p2-secret":\{"secret":\{"secure":"v1:[^"]+"\}\}\}$/);
    expect(problems(settings)).toEqual([]);
  });

  it("reports all problems at once, each with where, what was given, what is allowed and how to fix it", async () => {
    const settings = {
      ...tutorialSettings,
      secrets: [
        { name: 'evil"\n} allow = true #', keys: ["dataset_key"] },
        { name: "p2-secret", keys: ["secret", ".hidden"], from: "setting" },
        { name: "p2-secret", keys: ["secret"] },
        { name: "trustee-tls-cert", keys: ["tls.key"] },
      ],
      pods: [{ name: "Pod_1" }, { name: "pod2", algorithm: "sha384" }, { name: "pod2" }],
      grants: [
        { pod: "pod9", secret: "p2-secret" },
        { pod: "pod2", secret: "nowhere" },
        { pod: "pod2", secret: "p2-secret", key: "other" },
      ],
      otherSecrets: "everybody",
      typo: true,
    };
    let message = "";
    try {
      parseSettings(settings, { "p2-secret": ["secret"], stray: ["x"] }, "the settings of stack dev");
    } catch (error) {
      if (!(error instanceof IssuesError)) throw error;
      message = error.message;
    }
    await expect(message).toMatchFileSnapshot("../../fixtures/settings-problems.txt");
  });

  it.each<[string, RawSettings, string]>([
    ["a pod without an image", { pods: [{ name: "a" }] }, "pods[0].image"],
    ["pods that are no list", { pods: { name: "a" } }, "pods"],
    ["a secret without keys", { secrets: [{ name: "a", keys: [] }] }, "secrets[0].keys"],
    [
      "a validity that is over at once",
      { referenceValues: { validityDays: 1 } },
      "referenceValues.validityDays",
    ],
    [
      "a validity of an entry that nothing goes into",
      { referenceValues: { validityDaysOf: { snp_pcr8: 90 } } },
      "referenceValues.validityDaysOf.snp_pcr8",
    ],
    ...["algorithm", "version", "data", "pod_name", "pod_namespace"].map(
      (name): [string, RawSettings, string] => [
        `a claim that takes the place of ${name}`,
        { pods: [{ name: "a", image: "i", claims: { [name]: "x", note: "y" } }] },
        `pods[0].claims.${name}`,
      ],
    ),
    [
      "a claim that takes the place of the document's own, for all pods",
      { podDefaults: { image: "i", claims: { data: "x" } } },
      "podDefaults.claims.data",
    ],
    ...["a\u0000", "\u001b[31m", "two\nlines", "tab\t", "\u007f", "\u009b", "\ud800"].map(
      (text): [string, RawSettings, string] => [
        `a claim with the control character in ${JSON.stringify(text)}`,
        { pods: [{ name: "a", image: "i", claims: { note: text, other: "Größe" } }] },
        "pods[0].claims.note",
      ],
    ),
    [
      "a claim with a control character, for all pods",
      { podDefaults: { image: "i", claims: { note: "\r" } } },
      "podDefaults.claims.note",
    ],
    [
      "an image policy whose name has a control character",
      { podDefaults: { image: "i", imagePolicy: "a\u0001/b" } },
      "podDefaults.imagePolicy",
    ],
    [
      "the Secret with the KBS's certificate, as it is configured",
      { trustee: { certificateSecret: "my-tls" }, secrets: [{ name: "my-tls", keys: ["tls.key"] }] },
      "secrets[0].name",
    ],
    [
      "adoption of what cannot be adopted",
      { pods: [{ name: "a", image: "i", kind: "Deployment", adopt: true }] },
      "pods[0].adopt",
    ],
    [
      "a doubled grant",
      { ...tutorialSettings, grants: Array(2).fill({ pod: "pod1", secret: "kbsres1" }) as object[] },
      "grants[1]",
    ],
  ])("refuses %s", (_, settings, path) => {
    const values = settings["grants"] === undefined ? {} : tutorialValues;
    expect(problems(settings, values)).toEqual([path]);
  });

  it("applies podDefaults.adopt only to kinds that can be adopted", () => {
    const pods = [{ name: "a" }, { name: "b", kind: "StatefulSet" }, { name: "c", adopt: false }];
    const settings = settingsOf({ podDefaults: { image: "i", adopt: true }, pods });
    expect(settings.pods.map(({ adopt }) => adopt)).toEqual([true, false, false]);
  });

  it("reports a missing value by its path", () => {
    expect(problems(tutorialSettings, {})).toEqual(["secretValues.p2-secret.secret"]);
  });
});
