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

/** A cluster as kubectl knows it. */
const clusterShape = {
  /**
   * Path of a kubeconfig file; its content would show in the state and the outputs. @default what kubectl takes: $KUBECONFIG,
   * ~/.kube/config, or the pod's own account
   */
  kubeconfig: z
    .string()
    .min(1)
    .refine((text) => !isKubeconfigContent(text), {
      error: "the path of a kubeconfig file",
      params: { given: "the content of a kubeconfig, which is not shown here" },
    })
    .optional(),
  /** A context of that kubeconfig. @default its current context */
  context: z.string().min(1).optional(),
};

const podClusterSchema = z.strictObject({
  ...clusterShape,
  /** The cloud that peer pods run in, for the limit of its user data. @default azure for pods that an Azure vTPM binds */
  cloud: z.enum(clouds).optional(),
});

const trusteeSchema = z.strictObject({
  ...clusterShape,
  /** The namespace of Trustee and its operator. */
  namespace: z.string().default(trusteeNames.namespace),
  kbsConfig: z.string().default(trusteeNames.kbsConfig),
  deployment: z.string().default(trusteeNames.deployment),
  /**
   * The Secret with the KBS's certificate. @default the one that the KbsConfig names, or that the operator has copied it from:
   * `trustee-tls-cert`
   */
  certificateSecret: z.string().min(1).optional(),
  /**
   * The CA that has issued the KBS's certificate, for the guests to trust: PEM, or `public` for one that they know by themselves.
   * @default `ca.crt` of that Secret; a self-signed certificate is trusted itself
   */
  certificateAuthority: z
    .string()
    .refine((text) => text === PUBLIC || isOnlyCertificates(text), {
      error: `certificates in PEM and nothing else, or "${PUBLIC}"`,
      params: { given: "a text that is neither, and is not shown here" },
    })
    .optional(),
  /** The same, PEM in a file. */
  certificateAuthorityFile: z.string().min(1).optional(),
  /** The KBS as the guests reach it; goes before any Route. @default the Route's host, by https */
  url: z
    .url({
      // A host with a port alone is a URL too, of the scheme that the host is then taken for.
      protocol: /^https?$/,
      hostname: /./,
      error: "an https URL with its host, e.g. https://kbs.example.com:8080",
    })
    .optional(),
  /** The key of the policy's ConfigMap, for where it cannot be seen which one Trustee reads. @default a known one that is there */
  policyKey: z.string().min(1).optional(),
  /** The same of the reference values' ConfigMap. */
  referenceValuesKey: z.string().min(1).optional(),
  /** Both keys at once, as an older release had it: those of operators up to v0.18, or from v0.19 on. */
  generation: z.enum(generations).optional(),
  /** How long a rollout of the KBS may take, in minutes. */
  rolloutTimeoutMinutes: z.number().int().positive().max(240).default(10),
});

/** Where a secret's values come from; all but `existing` are created by the stack. */
const secretSources = ["existing", "setting", "file", "generate"] as const;

const secretsSchema = z.array(
  z
    .strictObject({
      name: z.string(),
      /** @default the keys of `files`, where the secret comes from files */
      keys: z.array(z.string()).optional(),
      /**
       * `existing`: somebody else made the Secret. The others are created here: `setting` from the encrypted setting
       * `secretValues`, `file` from `files`, `generate` at random, once.
       */
      from: z.enum(secretSources).default("existing"),
      /** Key -> path of the file that holds its value, taken byte for byte. */
      files: z.record(z.string(), z.string().min(1)).optional(),
      /** Whether a Secret that is created here stays when the stack gives it up: to hand it over. @default false */
      keep: z.boolean().optional(),
      /** How many characters are generated for each key. @default 32 */
      length: z.number().int().min(16).max(65_536).optional(),
    })
    .transform(({ keys, ...secret }) => ({
      ...secret,
      keys: keys ?? Object.keys(secret.files ?? {}).sort(),
    })),
);

const readersSchema = z.array(
  z.strictObject({
    /** How the reader is called in grants, in the matrix and in the policy. */
    name: z.string(),
    /** What its TEE claims as `init_data`: PCR8, host data or mr_config_id, hex; of the sample TEE base64. */
    initdata: z.string().optional(),
    /** Its initdata document; what its TEE claims is computed from the file's bytes. */
    initdataFile: z.string().min(1).optional(),
    binding: z.enum(bindings).default("azure-vtpm"),
    /** Whether its digest goes into the reference values too; `false`: whoever deploys it sees to that. */
    referenceValues: z.boolean().default(true),
  }),
);

const grantsSchema = z.array(
  z.strictObject({
    /** A pod of this stack: its name, or `namespace/name`. */
    pod: z.string().optional(),
    /** In place of a pod: a reader of this stack. */
    reader: z.string().optional(),
    secret: z.string(),
    /** @default every key of the secret */
    key: z.string().optional(),
  }),
);

/** A name that every object has by itself is no entry's: it would be taken for one that is there. */
const entryNames = z.array(
  z
    .string()
    .min(1)
    .refine((name) => !(name in {}), "a name that is no member of every JavaScript object"),
);

const validityDays = z.number().int().min(31).max(36_500);

const referenceValuesSchema = z.strictObject({
  /** Binding -> the entries that the digests of its pods go into, as the attestation policy names them. */
  entries: z
    .strictObject({
      "azure-vtpm": entryNames.default(["snp_pcr08", "tdx_pcr08"]),
      snp: entryNames.default([]),
      tdx: entryNames.default([]),
    })
    .prefault({}),
  /** How many days ahead an entry is dated that has to be created: expiry revokes nothing. */
  validityDays: validityDays.default(365),
  /** The same for single entries, by their names in `entries`. */
  validityDaysOf: z.record(z.string(), validityDays).default({}),
});

/** Every setting, by its name in the stack's configuration (`trustee-access:<name>`), with its shape. */
export const sections = {
  trustee: trusteeSchema.prefault({}),
  podCluster: podClusterSchema.prefault({}),
  secrets: secretsSchema.default([]),
  podDefaults: podDefaultsSchema.default({}),
  pods: podsSchema.default([]),
  readers: readersSchema.default([]),
  grants: grantsSchema.default([]),
  /** What happens to every secret that is neither named in a grant nor created here. */
  otherSecrets: z.enum(otherSecretsModes).default("affirming"),
  referenceValues: referenceValuesSchema.prefault({}),
  /**
   * What becomes of a pod's former initdata: `overlap` accepts it until the new pod is ready; `at-once` refuses it before
   * the new pod is there, for one that must not be trusted any longer.
   */
  rotation: z.enum(rotationModes).default("overlap"),
  /**
   * Takes over what a stack of the same name has left that is another one by its identity: this one's, after its state was lost. For
   * one run.
   */
  takeOver: z.boolean().default(false),
} as const;

export type SectionName = keyof typeof sections;
export type Sections = { readonly [Name in SectionName]: z.output<(typeof sections)[Name]> };
export type SecretSettings = Sections["secrets"][number];
export type ReaderSettings = Sections["readers"][number];
export type GrantSettings = Sections["grants"][number];

/** Everything that one stack declares, checked and with every default filled in. */
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
