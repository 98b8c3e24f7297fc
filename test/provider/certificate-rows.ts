import { HOST, older, TLS, type Expected, type Row } from "./variant-rows.ts";
import { gone, withSpec, type Change, type Variant } from "./variants.ts";

/** A TrusteeConfig that names another Secret for the certificate, which the operator copies. */
function edge(change: Change): Variant {
  return {
    keys: "0.18",
    rename: { trusteeconfig: "edge" },
    routes: { "kbs-service": HOST },
    changes: { "TrusteeConfig/edge": change },
  };
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
    variant: named,
    tls: "my-tls",
    expected: { ...expected, certificateSecret: "my-tls" },
  },
  "another Secret for the certificate, which is missing: the operator's copy, and no Secret of the default name":
    {
      variant: named,
      expected: copied,
    },
  "another Secret for the certificate, and a setting that names a third one": {
    variant: named,
    settings: { certificateSecret: TLS },
    expected,
  },
  "a TrusteeConfig that names no Secret: the operator's copy": {
    variant: edge(withSpec({ httpsSpec: undefined })),
    expected: copied,
  },
  "another Secret for the certificate, and no TrusteeConfig: the operator's copy": {
    variant: edge(gone),
    tls: "my-tls",
    expected: copied,
  },
  "a KbsConfig with its own Secret, owned by a TrusteeConfig: that one": {
    variant: {
      ...named,
      changes: {
        ...named.changes,
        "KbsConfig/edge-kbs-config": withSpec({ kbsHttpsCertSecretName: "own" }),
      },
    },
    tls: "own",
    expected: { ...expected, certificateSecret: "own" },
  },
};
