import { readFileSync } from "node:fs";
import { trusteeNames } from "../../core/trustee/generation.ts";
import type { PropertyMap } from "../../provider/protocol/property-value.ts";
import { gone, LEAF, settingsWith, template, withData, withSpec, type Variant } from "./variants.ts";

const ca = readFileSync("test/fixtures/certificates/guests/ca.pem", "utf8");
export const HOST = "kbs.example.com";
export const TLS = "trustee-tls-cert";
const { referenceValues, resourcePolicy } = trusteeNames;

/** The expected facts of a variant. Absent ones are as in upstream's operator 0.21. */
export type Expected = Readonly<Record<string, unknown>>;

/** A variant. @default its only Route is `kbs-service`, to {@link HOST} */
export interface Row extends Variant {
  /** The Secret that the TrusteeConfig names; empty: there is none. @default trustee-tls-cert */
  readonly tls?: string;
  readonly settings?: PropertyMap;
  /** @default nothing differs */
  readonly expected?: Expected;
}

export const older = {
  generation: "0.18",
  policyKey: "policy.rego",
  referenceValuesKey: "reference-values.json",
};

export const usual: Expected = {
  url: `https://${HOST}`,
  certificate: LEAF,
  certificateSecret: TLS,
  kbsConfig: trusteeNames.kbsConfig,
  generation: "0.21",
  policyConfigMap: resourcePolicy,
  policyKey: "resource-policy.rego",
  referenceValuesConfigMap: referenceValues,
  referenceValuesKey: "reference_value",
  warnings: [],
};

export const POLICY = `ConfigMap/${resourcePolicy}`;
export const VALUES = `ConfigMap/${referenceValues}`;
export const CONFIG = `ConfigMap/${trusteeNames.kbsConfig}`;
export const DEPLOYMENT = `Deployment/${trusteeNames.deployment}`;
export const KBS_CONFIG = `KbsConfig/${trusteeNames.kbsConfig}`;
export const withoutTls = withSpec({ kbsHttpsCertSecretName: undefined, kbsHttpsKeySecretName: undefined });

export const OPT = "/opt/confidential-containers";

/** A hand-made KbsConfig and its objects, as in the operator's samples. */
const byHand = {
  "trusteeconfig-kbs-config": "kbsconfig",
  "trusteeconfig-resource-policy": "resource-policy",
  "trusteeconfig-rvps-reference-values": "rvps-reference-values",
  "trusteeconfig-https-cert-secret": "kbs-https-certificate",
};

export const rows: Readonly<Record<string, Row>> = {
  "operator 0.17 and 0.18, with the tutorial's Route": { keys: "0.18", expected: older },
  "operator 0.19, which has no annotation of its own, by a plain URL": {
    keys: "0.21",
    routes: {},
    changes: { [DEPLOYMENT]: template((text) => text.replace(/,"annotations":\{[^}]*\}/, "")) },
    settings: { url: `https://${HOST}:8080` },
    expected: { url: `https://${HOST}:8080` },
  },
  "operator 0.21": { keys: "0.21" },
  "Red Hat's operator 1.1: the keys of 0.18, and a Route of its own": {
    keys: "0.18",
    operator: "red-hat",
    routes: { "kbs-route": HOST },
    expected: older,
  },
  "Red Hat's operator 1.2": { keys: "0.21", operator: "red-hat", routes: { "kbs-route": HOST } },
  "two Routes: the one that the certificate names": {
    keys: "0.18",
    operator: "red-hat",
    routes: { "kbs-route": "other.example.com", "kbs-service": HOST },
    expected: older,
  },
  "two Routes that the certificate names: the operator's": {
    keys: "0.21",
    operator: "red-hat",
    routes: { "kbs-route": "a.apps.example.com", "kbs-service": HOST },
    expected: { url: "https://a.apps.example.com" },
  },
  "Routes that the certificate does not name: the operator's": {
    keys: "0.21",
    routes: { "kbs-route": "a.example.org", "kbs-service": "b.example.org", kbs: "c.example.org" },
    expected: { url: "https://a.example.org" },
  },
  "a Route of another name, whose host is only in its status": {
    keys: "0.21",
    routes: { kbs: { host: undefined } },
    changes: { "Route/kbs": (route) => ({ ...route, status: { ingress: [{ host: HOST }] } }) },
  },
  "trustee.url in preference to every Route": {
    keys: "0.21",
    settings: { url: "https://kbs.apps.example.com" },
    expected: { url: "https://kbs.apps.example.com" },
  },
  "an update that left ConfigMaps with only the older keys": {
    keys: "0.21",
    changes: {
      [POLICY]: withData({ "policy.rego": "package policy" }),
      [VALUES]: withData({ "reference-values.json": "[]" }),
    },
    expected: {
      warnings: [
        `ConfigMap "${resourcePolicy}" has no key "resource-policy.rego", which this Trustee reads; it has "policy.rego", which it does not read. Copy what it holds under "resource-policy.rego", in the format that this Trustee reads, if it is still needed.`,
        `ConfigMap "${referenceValues}" has no key "reference_value", which this Trustee reads; it has "reference-values.json", which it does not read. Copy what it holds under "reference_value", in the format that this Trustee reads, if it is still needed.`,
      ],
    },
  },
  "settings from before an update": {
    keys: "0.21",
    settings: { generation: "0.18", referenceValuesKey: "values.json" },
    expected: {
      warnings: [
        'trustee.generation: this Trustee reads the key "resource-policy.rego", and not "policy.rego". This stack writes "resource-policy.rego". Remove the setting.',
        'trustee.referenceValuesKey: this Trustee reads the key "reference_value", and not "values.json". This stack writes "reference_value". Remove the setting.',
      ],
    },
  },
  "the newer keys next to the older ones, before that update": {
    keys: "0.18",
    changes: {
      [POLICY]: withData({
        "policy.rego": "a",
        "resource-policy.rego": "b",
      }),
    },
    expected: older,
  },
  "a TrusteeConfig of another name": {
    keys: "0.21",
    rename: { trusteeconfig: "edge" },
    expected: {
      kbsConfig: "edge-kbs-config",
      policyConfigMap: "edge-resource-policy",
      referenceValuesConfigMap: "edge-rvps-reference-values",
    },
  },
  "a hand-made KbsConfig: its own names, and its Secret's own key": {
    keys: "0.21",
    rename: byHand,
    routes: { kbs: HOST },
    changes: {
      "ConfigMap/kbsconfig": settingsWith((text) =>
        text.replace("/etc/https-cert/certificate", "/etc/https-cert/https.crt"),
      ),
      "Secret/kbs-https-certificate": (secret) => ({
        ...secret,
        data: {
          "https.crt": Buffer.from(LEAF).toString("base64"),
          "tls.crt": Buffer.from(ca).toString("base64"),
        },
      }),
    },
    expected: {
      kbsConfig: "kbsconfig",
      policyConfigMap: "resource-policy",
      referenceValuesConfigMap: "rvps-reference-values",
      certificateSecret: "kbs-https-certificate",
    },
  },
  "files of other names, from the KBS's configuration, in JSON": {
    keys: "0.18",
    changes: {
      [CONFIG]: settingsWith(
        () =>
          JSON.stringify({
            http_server: { insecure_http: false },
            policy_engine: { policy_path: `${OPT}/opa/mine.rego` },
            attestation_service: {
              rvps_config: { storage: { file_path: `${OPT}/rvps/reference-values/values.json` } },
            },
          }),
        "kbs-config.json",
      ),
      [DEPLOYMENT]: template((text) => text.replace("kbs-config.toml", "kbs-config.json")),
      [POLICY]: withData({ "mine.rego": "a", "policy.rego": "b" }),
      [VALUES]: withData({ "values.json": "[]" }),
    },
    expected: { generation: "0.18", policyKey: "mine.rego", referenceValuesKey: "values.json" },
  },
  "files of other keys, by the items of their volumes": {
    keys: "0.18",
    changes: {
      [DEPLOYMENT]: template((text) =>
        text.replace(
          `"configMap":{"name":"${resourcePolicy}"`,
          `"configMap":{"items":[{"key":"strict.rego","path":"policy.rego"}],"name":"${resourcePolicy}"`,
        ),
      ),
      [POLICY]: withData({ "strict.rego": "a", "policy.rego": "b" }),
    },
    expected: { ...older, policyKey: "strict.rego" },
  },
  "a mount that ends in a slash": {
    keys: "0.18",
    changes: {
      [DEPLOYMENT]: template((text) => text.replace(`"mountPath":"${OPT}/opa"`, `"mountPath":"${OPT}/opa/"`)),
    },
    expected: older,
  },
  "a policy in a projected volume: by the known key": {
    keys: "0.18",
    changes: {
      [DEPLOYMENT]: template((text) =>
        text.replace(
          `"configMap":{"name":"${resourcePolicy}","defaultMode":420}`,
          `"projected":{"sources":[{"configMap":{"name":"${resourcePolicy}"}}]}`,
        ),
      ),
    },
    expected: older,
  },
  "a policy that an init container copies: by the known key": {
    keys: "0.18",
    changes: {
      [DEPLOYMENT]: template((text) =>
        text
          .replace(
            `"configMap":{"name":"${resourcePolicy}","defaultMode":420}`,
            `"emptyDir":{}},{"name":"given","configMap":{"name":"${resourcePolicy}"}`,
          )
          .replace(
            '"containers":[',
            '"initContainers":[{"name":"copy","image":"copy:x","volumeMounts":[{"name":"given","mountPath":"/from"},{"name":"opa","mountPath":"/to"}]}],"containers":[',
          ),
      ),
    },
    expected: older,
  },
  "a KBS's configuration that this account cannot read: by the mounts only": {
    keys: "0.18",
    changes: { [CONFIG]: settingsWith(() => "[") },
    expected: older,
  },
  "http, with the permissive profile: no certificate at all": {
    keys: "0.21",
    routes: {},
    changes: {
      [KBS_CONFIG]: withoutTls,
      [CONFIG]: settingsWith((text) => text.replace("insecure_http = false", "insecure_http = true")),
      "Secret/trusteeconfig-https-cert-secret": gone,
    },
    tls: "",
    settings: { url: "http://kbs-service.test.svc:8080" },
    expected: {
      url: "http://kbs-service.test.svc:8080",
      certificate: undefined,
      certificateSecret: undefined,
    },
  },
  "no Secret, if no initdata is generated": {
    keys: "0.21",
    changes: { "Secret/trusteeconfig-https-cert-secret": gone },
    tls: "",
    settings: { generatesInitdata: false },
    expected: { certificate: undefined, certificateSecret: undefined },
  },
  "an Ingress before a KBS that serves http": {
    keys: "0.21",
    routes: {},
    changes: { [KBS_CONFIG]: withoutTls, "Secret/trusteeconfig-https-cert-secret": gone },
    tls: "",
    settings: { url: "https://kbs.ingress.example", certificateAuthority: ca },
    expected: {
      url: "https://kbs.ingress.example",
      certificate: ca,
      servedCertificate: null,
      certificateSecret: undefined,
    },
  },
  "a Route whose router ends TLS, with a certificate of a public CA": {
    keys: "0.21",
    routes: { "kbs-route": { host: HOST, tls: { termination: "edge" } } },
    settings: { certificateAuthority: "public" },
    expected: { certificate: undefined, certificateSecret: undefined },
  },
};
