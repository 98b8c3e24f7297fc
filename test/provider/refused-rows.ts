import { trusteeNames } from "../../core/trustee/generation.ts";
import {
  CONFIG,
  DEPLOYMENT,
  HOST,
  KBS_CONFIG,
  OPT,
  POLICY,
  VALUES,
  withoutTls,
  type Row,
} from "./variant-rows.ts";
import { settingsWith, template, withData } from "./variants.ts";

const { referenceValues, resourcePolicy } = trusteeNames;

const ELSEWHERE = `[policy_engine]\npolicy_path = "${OPT}/storage/policy.rego"\n\n[http_server]`;
const unread =
  `  - TA810 ${POLICY.replace("/", ' "')}": the KbsConfig's ConfigMap for the resource policy, but Deployment "trustee-deployment" does not mount it where the KBS reads its policy: what is written there restricts nothing\n` +
  "      allowed: the ConfigMap with the file that policy_path or storage_backend of the KBS's configuration names\n" +
  "      to fix: Let the Trustee operator apply the KbsConfig to the Deployment (its log says what stops it), name the ConfigMap in the KbsConfig, or correct trustee.kbsConfig or trustee.deployment.";

/** Variants that are refused, with the message. */
export const refused: Readonly<Record<string, Row & { readonly problem: string }>> = {
  "a Route whose router ends TLS, with an unknown certificate": {
    keys: "0.21",
    routes: { "kbs-route": { host: HOST, tls: { termination: "reencrypt" } } },
    problem:
      '  - TA810 trustee.certificateAuthority: nothing, and Route "kbs-route" ends TLS at the router, whose certificate is unknown here\n' +
      '      allowed: the CA of the router\'s certificate in PEM, or "public" for one that every guest knows\n' +
      "      to fix: Set it, or change the Route's termination to passthrough.",
  },
  "reference values that are not a list, although the KBS's configuration says that they are": {
    keys: "0.18",
    changes: {
      [CONFIG]: settingsWith((text) => text.replace("reference-values.json", "values.json")),
      [VALUES]: withData({ "values.json": "{}" }),
    },
    problem:
      `  - TA811 ConfigMap "${referenceValues}": the key "values.json" without a JSON list, which this Trustee reads; an empty one is []\n` +
      "      allowed: what this Trustee can read\n" +
      "      to fix: Fix it by hand, and keep its content: without its values, other pods may not attest.",
  },
  ...Object.fromEntries(
    (["0.18", "0.21"] as const).flatMap((keys) =>
      [
        { name: resourcePolicy, what: "resource policy" },
        { name: referenceValues, what: "reference values" },
      ].map(({ name, what }) => [
        `a Deployment of operator ${keys} that mounts another ConfigMap for the ${what}`,
        {
          keys,
          changes: { [DEPLOYMENT]: template((text) => text.replace(`"name":"${name}"`, '"name":"former"')) },
          problem:
            `  - TA810 ConfigMap "${name}": the KbsConfig's ConfigMap for the ${what}, but Deployment "trustee-deployment" mounts "former" instead: it is unknown which of them the KBS reads\n` +
            `      allowed: the ConfigMap that the Deployment mounts for the ${what}\n` +
            "      to fix: Let the Trustee operator apply the KbsConfig to the Deployment (its log says what stops it), name the ConfigMap in the KbsConfig, or correct trustee.kbsConfig or trustee.deployment.",
        },
      ]),
    ),
  ),
  ...Object.fromEntries(
    (["0.18", "0.21"] as const).flatMap((keys): [string, Row & { readonly problem: string }][] => [
      [
        `a Deployment of operator ${keys} that mounts the policy's ConfigMap nowhere`,
        {
          keys,
          changes: {
            [DEPLOYMENT]: template((text) =>
              text.replace(`"configMap":{"name":"${resourcePolicy}","defaultMode":420}`, '"emptyDir":{}'),
            ),
          },
          settings: { policyKey: "mine.rego" },
          problem: unread,
        },
      ],
      [
        `a KBS of operator ${keys} that reads its policy at another place than its ConfigMap's`,
        {
          keys,
          changes: {
            [CONFIG]: settingsWith((text) =>
              text
                .replace(`${OPT}/opa/policy.rego`, `${OPT}/elsewhere/policy.rego`)
                .replace("[http_server]", keys === "0.18" ? "[http_server]" : ELSEWHERE),
            ),
          },
          problem: unread,
        },
      ],
    ]),
  ),
  "a missing Secret whose certificate the guests need": {
    keys: "0.21",
    changes: { [KBS_CONFIG]: withoutTls },
    tls: "",
    problem:
      '  - TA804 trustee.certificateSecret: Secret "trustee-tls-cert", which does not exist in namespace "test"\n' +
      "      allowed: a Secret that exists\n" +
      "      to fix: Install Trustee, or name the Secret that holds the KBS's certificate. If a router or an Ingress serves TLS, set trustee.certificateAuthority. If the KBS serves http, set trustee.url to its http URL.",
  },
};
