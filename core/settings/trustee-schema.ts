import { z } from "zod";
import { clouds } from "../initdata/tee.ts";
import { isOnlyCertificates, PUBLIC } from "../pem.ts";
import { generations, trusteeNames } from "../trustee/generation.ts";
import { about } from "./about.ts";
import { isKubeconfigContent } from "./cluster.ts";

/** A cluster, named as for kubectl. */
const clusterShape = {
  kubeconfig: about(
    z
      .string()
      .min(1)
      .refine((text) => !isKubeconfigContent(text), {
        error: "the path of a kubeconfig file",
        params: { given: "the content of a kubeconfig, which is not shown here" },
      })
      .optional(),
    "the path of a kubeconfig file. Its content is refused: it would show in the state and the outputs",
    "as kubectl: `$KUBECONFIG`, `~/.kube/config`, or the pod's service account",
  ),
  context: about(z.string().min(1).optional(), "a context in the kubeconfig", "its current context"),
};

export const podClusterSchema = z.strictObject({
  ...clusterShape,
  cloud: about(
    z.enum(clouds).optional(),
    "the cloud whose [user data limit](limits.md#the-budget) applies",
    "`azure` for pods that a vTPM binds, else none",
  ),
});

export const trusteeSchema = z.strictObject({
  ...clusterShape,
  namespace: about(z.string().default(trusteeNames.namespace), "the namespace of Trustee and its operator"),
  kbsConfig: about(
    z.string().default(trusteeNames.kbsConfig),
    "the KbsConfig, which names the ConfigMaps. If there is none with the default name, the only one in the namespace is used",
  ),
  deployment: about(z.string().default(trusteeNames.deployment), "the KBS's Deployment"),
  certificateSecret: about(
    z.string().min(1).optional(),
    "the Secret with the KBS's certificate",
    "[what the KBS serves](trustee.md)",
  ),
  certificateAuthority: about(
    z
      .string()
      .refine((text) => text === PUBLIC || isOnlyCertificates(text), {
        error: `certificates in PEM and nothing else, or "${PUBLIC}"`,
        params: { given: "a text that is neither, and is not shown here" },
      })
      .optional(),
    "the CA of the KBS's certificate, for [guests to trust](limits.md#the-kbss-certificate): PEM, or `public` for a CA that guests already trust",
    "`ca.crt` of that Secret; a self-signed certificate is trusted itself",
  ),
  certificateAuthorityFile: about(z.string().min(1).optional(), "the same, as the path of a PEM file"),
  url: about(
    z
      .url({
        // "host:8080" parses as a URL with the scheme "host:".
        protocol: /^https?$/,
        hostname: /./,
        error: "an http or https URL with a host, for example https://kbs.example.com:8080",
      })
      .optional(),
    "the KBS's URL for guests, http(s) with a host. It takes precedence over any Route",
    "https with the Route's host",
  ),
  policyKey: about(
    z.string().min(1).optional(),
    "the key of the policy's ConfigMap, if [the objects do not show](trustee.md) which one the KBS reads",
    "what the KBS mounts",
  ),
  referenceValuesKey: about(
    z.string().min(1).optional(),
    "the same for the ConfigMap of the reference values",
    "what the KBS mounts",
  ),
  generation: about(
    z.enum(generations).optional(),
    "sets both keys, for older settings: `0.18` for operators up to v0.18, `0.21` from v0.19 on",
  ),
  rolloutTimeoutMinutes: about(
    z.number().int().positive().max(240).default(10),
    "how long a rollout of the KBS may take, in minutes",
  ),
});
