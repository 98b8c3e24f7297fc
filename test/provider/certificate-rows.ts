import { HOST, older, TLS, type Expected, type Row } from "./variant-rows.ts";
import { gone, withSpec, type Change, type Variant } from "./variants.ts";

/** A TrusteeConfig whose Secret with the certificate, which the operator copies, has some name. */
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
  "another Secret for the certificate, which is gone: the operator's copy, and no namesake of the usual one":
    {
      variant: named,
      expected: copied,
    },
  "another Secret for the certificate, where a setting names a third": {
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
  "a KbsConfig with a Secret of its own, which a TrusteeConfig owns: that one": {
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
