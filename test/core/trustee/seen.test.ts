import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { kbsKinds } from "../../../cli/audit/trustee-view.ts";
import { configMapNames } from "../../../core/trustee/generation.ts";
import { readKbsSettings } from "../../../core/trustee/kbs-settings.ts";
import { fileAt, podTemplateOf } from "../../../core/trustee/mounts.ts";
import { namesIn, seenOf, type Seen } from "../../../core/trustee/seen.ts";

/**
 * As operators v0.18.0 and v0.21.0 write them. test/shared-data compares these files with what they
 * installed.
 */
const toml = (version: string): string =>
  readFileSync(`sandbox/trustee/manifests/kbs-config-${version}.toml`, "utf8");

describe("the KBS's own configuration", () => {
  it.each([
    [
      "0.18",
      {
        policyPath: "/opt/confidential-containers/opa/policy.rego",
        referenceValues: {
          path: "/opt/confidential-containers/rvps/reference-values/reference-values.json",
          format: "list",
        },
      },
    ],
    [
      "0.21",
      {
        policyPath: "/opt/confidential-containers/storage/kbs/resource-policy.rego",
        referenceValues: {
          path: "/opt/confidential-containers/storage/local_json/reference_value",
          format: "map",
        },
      },
    ],
  ])("names the place of everything: operator %s", (version, places) => {
    expect(readKbsSettings(toml(version))).toEqual({
      ...places,
      certificatePath: "/etc/https-cert/certificate",
      isHttp: false,
    });
  });

  it.each(["[", "null", "3", "[]", '"text"'])("is not read from %j", (text) => {
    expect(readKbsSettings(text)).toBeUndefined();
  });

  it("does not name other places", () => {
    const odd = { policy_engine: { policy_path: 7 }, http_server: [], storage_backend: { backends: null } };
    expect(readKbsSettings(JSON.stringify(odd))).toEqual({ isHttp: false });
  });
});

/** A Deployment with a container `kbs` and another one. */
function deployment(image: string, mounts: readonly object[], volumes: readonly object[]): unknown {
  const containers = [
    { name: "proxy", image: "proxy:v0.1.0", volumeMounts: [{ name: "p", mountPath: "/opt" }] },
    { name: "kbs", image, volumeMounts: mounts },
  ];
  return { spec: { template: { spec: { containers, volumes } } } };
}

describe("a file of the KBS", () => {
  const items = [{ key: "k.rego", path: "opa/policy.rego" }];
  const template = podTemplateOf(
    deployment(
      "kbs",
      [
        { name: "data", mountPath: "/opt" },
        { name: "map", mountPath: "/opt/map" },
        { name: "map", mountPath: "/opt/one", subPath: "a" },
        { name: "items", mountPath: "/opt/items" },
        { name: "items", mountPath: "/opt/part", subPath: "opa" },
        { name: "secret", mountPath: "/etc/cert" },
      ],
      [
        { name: "data", emptyDir: {} },
        { name: "map", configMap: { name: "m" } },
        { name: "items", configMap: { name: "i", items } },
        { name: "secret", secret: { secretName: "s" } },
      ],
    ),
  );
  it.each([
    ["/opt/map/x", { kind: "ConfigMap", name: "m", key: "x" }],
    ["/opt/one", { kind: "ConfigMap", name: "m", key: "a" }],
    ["/opt/items/opa/policy.rego", { kind: "ConfigMap", name: "i", key: "k.rego" }],
    ["/opt/part/policy.rego", { kind: "ConfigMap", name: "i", key: "k.rego" }],
    ["/opt/items/k.rego", undefined],
    ["/etc/cert/tls.crt", { kind: "Secret", name: "s", key: "tls.crt" }],
    ["/opt/map", undefined],
    ["/opt/mapped/x", undefined],
    ["/elsewhere", undefined],
  ])("%s is what the innermost mount has there", (path, found) => {
    expect(template && fileAt(template, path)).toEqual(found);
  });
});

describe("a Deployment", () => {
  it.each<[image: string, pathForm: Seen["pathForm"]]>([
    ["ghcr.io/confidential-containers/key-broker-service:built-in-as-v0.15.0", "string"],
    ["ghcr.io/confidential-containers/staged-images/kbs:v0.16.0", "string"],
    ["registry:5000/kbs:v0.17.0", "array"],
    ["kbs:built-in-as-v0.19.0-trustee-operator", "array"],
    ["kbs:1.0.0", "array"],
    ["ghcr.io/confidential-containers/staged-images/kbs:b2442c22", undefined],
    [`registry.redhat.io/build-of-trustee/trustee@sha256:${"0".repeat(64)}`, undefined],
    ["kbs", undefined],
  ])("with the image %s implies how a path is passed", (image, pathForm) => {
    const policy = { name: "policy", configMap: { name: configMapNames.policy } };
    expect(seenOf(deployment(image, [], [policy]), undefined, configMapNames)).toEqual(
      pathForm === undefined ? {} : { pathForm },
    );
  });

  it("without a volume of the policy's ConfigMap does not read it", () => {
    expect(seenOf(deployment("kbs", [], []), undefined, configMapNames)).toEqual({ isPolicyUnread: true });
  });

  it.each([undefined, null, "text", { spec: 7 }, { spec: { template: {} } }])(
    "with %j implies nothing",
    (odd) => {
      expect(seenOf(odd, undefined, configMapNames)).toEqual({});
    },
  );
});

describe("the policy is evaluated", () => {
  const [older, newer] = [
    { syntax: "v0", shape: "string" },
    { syntax: "v1", shape: "array" },
  ];
  it.each<[seen: Seen, kinds: unknown]>([
    [{}, [newer]],
    [{ policyKey: "policy.rego" }, [older, newer]],
    [{ policyKey: "policy.rego", pathForm: "array" }, [newer]],
    [{ policyKey: "policy.rego", pathForm: "string" }, [older]],
    [{ policyKey: "mine.rego" }, [older, newer]],
  ])("like each KBS that may read it does: %j", (seen, kinds) => {
    expect(kbsKinds({ seen })).toEqual(kinds);
  });
});

it("a KbsConfig names Trustee's objects; the operator's names are the default", () => {
  const usual = { ...configMapNames, kbsSettings: "trusteeconfig-kbs-config" };
  expect(namesIn(undefined)).toEqual(usual);
  const spec = {
    kbsResourcePolicyConfigMapName: "p",
    kbsRvpsRefValuesConfigMapName: "",
    kbsConfigMapName: 7,
    kbsHttpsCertSecretName: "edge-https-cert-secret",
  };
  const owned = (kind: string) => ({ metadata: { ownerReferences: [{ kind, name: "edge" }] }, spec });
  const named = { ...usual, policy: "p", certificate: "edge-https-cert-secret" };
  expect(namesIn(owned("Other"))).toEqual(named);
  expect(namesIn(owned("TrusteeConfig"))).toEqual({ ...named, trusteeConfig: "edge" });
});
