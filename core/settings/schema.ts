import { z } from "zod";
import { bindings } from "../initdata/binding.ts";
import { clouds } from "../initdata/tee.ts";
import { isOnlyCertificates, PUBLIC } from "../pem.ts";
import { rotationModes } from "../rotation/rotation.ts";
import { otherSecretsModes } from "../policy/grants.ts";
import { generations, trusteeNames } from "../trustee/generation.ts";
import { isKubeconfigContent } from "./cluster.ts";
import { podDefaultsSchema, podsSchema } from "./pod-schema.ts";
import type { PodDeclaration } from "./pod.ts";

/** A cluster, named as for kubectl. */
const clusterShape = {
  /**
   * Path of a kubeconfig file. Its content would show in the state and the outputs.
   * @default as kubectl: $KUBECONFIG, ~/.kube/config, or the pod's service account
   */
  kubeconfig: z
    .string()
    .min(1)
    .refine((text) => !isKubeconfigContent(text), {
      error: "the path of a kubeconfig file",
      params: { given: "the content of a kubeconfig, which is not shown here" },
    })
    .optional(),
  /** A context in the kubeconfig. @default its current context */
  context: z.string().min(1).optional(),
};

const podClusterSchema = z.strictObject({
  ...clusterShape,
  /** The cloud of the peer pods, for its user data limit. @default azure for pods with binding azure-vtpm */
  cloud: z.enum(clouds).optional(),
});

const trusteeSchema = z.strictObject({
  ...clusterShape,
  /** The namespace of Trustee and its operator. */
  namespace: z.string().default(trusteeNames.namespace),
  kbsConfig: z.string().default(trusteeNames.kbsConfig),
  deployment: z.string().default(trusteeNames.deployment),
  /**
   * The Secret with the KBS's certificate.
   * @default the Secret in the KbsConfig, or the one that the operator copied it from: `trustee-tls-cert`
   */
  certificateSecret: z.string().min(1).optional(),
  /**
   * The CA of the KBS's certificate, for guests to trust: PEM, or `public` for a CA that guests already
   * trust.
   * @default `ca.crt` of that Secret; a self-signed certificate is trusted itself
   */
  certificateAuthority: z
    .string()
    .refine((text) => text === PUBLIC || isOnlyCertificates(text), {
      error: `certificates in PEM and nothing else, or "${PUBLIC}"`,
      params: { given: "a text that is neither, and is not shown here" },
    })
    .optional(),
  /** The same, as the path of a PEM file. */
  certificateAuthorityFile: z.string().min(1).optional(),
  /** The KBS's URL for guests. Overrides any Route. @default https with the Route's host */
  url: z
    .url({
      // "host:8080" parses as a URL with the scheme "host:".
      protocol: /^https?$/,
      hostname: /./,
      error: "an https URL with a host, for example https://kbs.example.com:8080",
    })
    .optional(),
  /**
   * The policy ConfigMap's key, if it cannot be detected which one Trustee reads. @default the known key that
   * exists
   */
  policyKey: z.string().min(1).optional(),
  /** The same for the reference values' ConfigMap. */
  referenceValuesKey: z.string().min(1).optional(),
  /** Sets both keys, as older releases did: those of operators up to v0.18, or from v0.19 on. */
  generation: z.enum(generations).optional(),
  /** Timeout of a KBS rollout, in minutes. */
  rolloutTimeoutMinutes: z.number().int().positive().max(240).default(10),
});

/** Where a secret's values come from. The stack creates all but `existing`. */
const secretSources = ["existing", "setting", "file", "generate"] as const;

const secretsSchema = z.array(
  z
    .strictObject({
      name: z.string(),
      /** @default the keys of `files`, with from: file */
      keys: z.array(z.string()).optional(),
      /**
       * - `existing`: the Secret exists already.
       * - `setting`: created from the encrypted setting `secretValues`.
       * - `file`: created from `files`.
       * - `generate`: created with random values, once.
       */
      from: z.enum(secretSources).default("existing"),
      /** Key -> path of the file with its value, used byte for byte. */
      files: z.record(z.string(), z.string().min(1)).optional(),
      /** Keep a created Secret when the stack removes it, to hand it over. @default false */
      keep: z.boolean().optional(),
      /** Length of the generated value of each key. @default 32 */
      length: z.number().int().min(16).max(65_536).optional(),
    })
    .transform(({ keys, ...secret }) => ({
      ...secret,
      keys: keys ?? Object.keys(secret.files ?? {}).sort(),
    })),
);

const readersSchema = z.array(
  z.strictObject({
    /** The reader's name in grants, in the matrix and in the policy. */
    name: z.string(),
    /**
     * The `init_data` that its TEE claims: PCR8, host data or mr_config_id in hex, or base64 for the sample
     * TEE.
     */
    initdata: z.string().optional(),
    /** Its initdata document. The claim is computed from the file's bytes. */
    initdataFile: z.string().min(1).optional(),
    binding: z.enum(bindings).default("azure-vtpm"),
    /** Whether its digest goes into the reference values. `false`: they are maintained elsewhere. */
    referenceValues: z.boolean().default(true),
  }),
);

const grantsSchema = z.array(
  z.strictObject({
    /** A pod of this stack: its name, or `namespace/name`. */
    pod: z.string().optional(),
    /** A reader of this stack, instead of a pod. */
    reader: z.string().optional(),
    secret: z.string(),
    /** @default every key of the secret */
    key: z.string().optional(),
  }),
);

/** Rejects names that every object inherits: a lookup would mistake them for existing entries. */
const entryNames = z.array(
  z
    .string()
    .min(1)
    .refine((name) => !(name in {}), "a name that JavaScript objects do not inherit"),
);

const validityDays = z.number().int().min(31).max(36_500);

const referenceValuesSchema = z.strictObject({
  /** Binding -> the entries for the digests of its pods, named as in the attestation policy. */
  entries: z
    .strictObject({
      "azure-vtpm": entryNames.default(["snp_pcr08", "tdx_pcr08"]),
      snp: entryNames.default([]),
      tdx: entryNames.default([]),
    })
    .prefault({}),
  /** Validity of a created entry, in days. Expiry revokes nothing. */
  validityDays: validityDays.default(365),
  /** The same for single entries, by name. */
  validityDaysOf: z.record(z.string(), validityDays).default({}),
});

/** The schema of every setting, by its name in the stack's configuration (`trustee-access:<name>`). */
export const sections = {
  trustee: trusteeSchema.prefault({}),
  podCluster: podClusterSchema.prefault({}),
  secrets: secretsSchema.default([]),
  podDefaults: podDefaultsSchema.default({}),
  pods: podsSchema.default([]),
  readers: readersSchema.default([]),
  grants: grantsSchema.default([]),
  /** Access to every secret that is neither named in a grant nor created here. */
  otherSecrets: z.enum(otherSecretsModes).default("affirming"),
  referenceValues: referenceValuesSchema.prefault({}),
  /**
   * What happens to the previous digest when a pod's initdata changes:
   * - `overlap`: accepted until the new pod is ready.
   * - `at-once`: rejected before the new pod starts. Use it for initdata that must not be trusted any longer.
   */
  rotation: z.enum(rotationModes).default("overlap"),
  /**
   * Takes over what a stack of the same name with another identity left behind. Set it for one run, after
   * this stack's state was lost.
   */
  takeOver: z.boolean().default(false),
} as const;

export type SectionName = keyof typeof sections;
export type Sections = { readonly [Name in SectionName]: z.output<(typeof sections)[Name]> };
export type SecretSettings = Sections["secrets"][number];
export type ReaderSettings = Sections["readers"][number];
export type GrantSettings = Sections["grants"][number];

/** Everything that one stack declares, checked and with all defaults. */
export interface Settings {
  readonly trustee: Sections["trustee"];
  readonly podCluster: Sections["podCluster"];
  readonly secrets: Sections["secrets"];
  readonly pods: readonly PodDeclaration[];
  readonly readers: Sections["readers"];
  readonly grants: Sections["grants"];
  readonly otherSecrets: Sections["otherSecrets"];
  readonly referenceValues: Sections["referenceValues"];
  readonly rotation: Sections["rotation"];
  readonly takeOver: Sections["takeOver"];
}
