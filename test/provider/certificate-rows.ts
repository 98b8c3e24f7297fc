import { older, TLS, type Expected, type Row } from "./variant-rows.ts";
import { gone, withSpec, type Change, type Variant } from "./variants.ts";

/** A TrusteeConfig that names another Secret for the certificate, which the operator copies. */
function edge(change: Change): Variant {
  return { keys: "0.18", rename: { trusteeconfig: "edge" }, changes: { "TrusteeConfig/edge": change } };
}

const named = edge(withSpec({ httpsSpec: { tlsSecretName: "my-tls" } }));

const expected: Expected = {
  ...older,
  kbsConfig: "edge-kbs-config",
  policyConfigMap: "edge-resource-policy",
  referenceValuesConfigMap: "edge-rvps-reference-values",
};
const copied = { ...expected, certificateSecret: "edge-https-cert-secret" };

export const certificateRows: Readonly<Record<string, Row>> = {
  "another Secret for the certificate: the one that it was copied from": {
    ...named,
    tls: "my-tls",
    expected: { ...expected, certificateSecret: "my-tls" },
  },
  "another Secret for the certificate, which is missing: the operator's copy, and no Secret of the default name":
    { ...named, expected: copied },
  "another Secret for the certificate, and a setting that names a third one": {
    ...named,
    settings: { certificateSecret: TLS },
    expected,
  },
  "a TrusteeConfig that names no Secret: the operator's copy": {
    ...edge(withSpec({ httpsSpec: undefined })),
    expected: copied,
  },
  "another Secret for the certificate, and no TrusteeConfig: the operator's copy": {
    ...edge(gone),
    tls: "my-tls",
    expected: copied,
  },
  "a KbsConfig with its own Secret, owned by a TrusteeConfig: that one": {
    ...named,
    changes: { ...named.changes, "KbsConfig/edge-kbs-config": withSpec({ kbsHttpsCertSecretName: "own" }) },
    tls: "own",
    expected: { ...expected, certificateSecret: "own" },
  },
};
