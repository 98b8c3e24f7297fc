import { z } from "zod";
import { bindings } from "../initdata/binding.ts";
import { rotationModes } from "../policy/rotation.ts";
import { otherSecretsModes } from "../policy/grants.ts";
import { about } from "./about.ts";
import { podDefaultsSchema, podSchema } from "./pod-schema.ts";
import type { PodDeclaration } from "./pod.ts";
import { podClusterSchema, trusteeSchema } from "./trustee-schema.ts";

/** Where a secret's values come from. The stack creates all but `existing`. */
const secretSources = ["existing", "setting", "file", "generate"] as const;

const secretsSchema = z.array(
  z
    .strictObject({
      name: about(
        z.string(),
        "the Kubernetes Secret: the middle of `kbs:///default/<name>/<key>`; a [valid volume name](limits.md)",
      ),
      keys: about(
        z.array(z.string()).optional(),
        "its keys",
        "required; with `from: file` the keys of `files`",
      ),
      from: about(
        z.enum(secretSources).default("existing"),
        "`existing`: it exists and is only registered. `setting`, `file`, `generate`: created here, see below",
      ),
      files: about(
        z.record(z.string(), z.string().min(1)).optional(),
        "`from: file`: key → path, from the project's folder; taken byte for byte",
        "required with `from: file`",
      ),
      keep: about(
        z.boolean().optional(),
        "the Secret stays when the stack [no longer declares it](moving.md#keep-a-secret-that-the-stack-created)",
        "`false`",
      ),
      length: about(
        z.number().int().min(16).max(65_536).optional(),
        "`from: generate`: the number of letters and digits for each key",
        "`32`",
      ),
    })
    .transform(({ keys, ...secret }) => ({
      ...secret,
      keys: keys ?? Object.keys(secret.files ?? {}).sort(),
    })),
);

const readersSchema = z.array(
  z.strictObject({
    name: about(z.string(), "its name in grants, the matrix and the policy"),
    initdata: about(
      z.string().optional(),
      "the `init_data` that its TEE claims: PCR8, host data or mr_config_id in hex (`sample`: in base64)",
      "this, or `initdataFile`",
    ),
    initdataFile: about(
      z.string().min(1).optional(),
      "its initdata document, from which the claim is computed",
      "this, or `initdata`",
    ),
    binding: about(z.enum(bindings).default("azure-vtpm"), "as for a pod"),
    referenceValues: about(
      z.boolean().default(true),
      "`false`: its digest is not registered here, because others register it",
    ),
  }),
);

const grantsSchema = z.array(
  z.strictObject({
    pod: about(
      z.string().optional(),
      "a pod of this stack: `name`, or `namespace/name`",
      "this, or `reader`",
    ),
    reader: about(z.string().optional(), "one of `readers`, deployed elsewhere", "this, or `pod`"),
    secret: about(z.string(), "a secret of this stack"),
    key: about(
      z.string().optional(),
      "one key of it; keys of one secret can have different readers",
      "every key",
    ),
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
  entries: about(
    z
      .strictObject({
        "azure-vtpm": entryNames.default(["snp_pcr08", "tdx_pcr08"]),
        snp: entryNames.default([]),
        tdx: entryNames.default([]),
      })
      .prefault({}),
    "binding → the RVPS entries for its pods' digests, named as in the attestation policy",
    "`azure-vtpm: [snp_pcr08, tdx_pcr08]`, `snp: []`, `tdx: []`",
  ),
  validityDays: about(
    validityDays.default(365),
    "the validity of an entry that the stack creates, in days; [expiry revokes nothing](rotation.md#when-reference-values-expire)",
  ),
  validityDaysOf: about(
    z.record(z.string(), validityDays).default({}),
    "the same for single entries, for example `{ tdx_pcr08: 90 }`",
  ),
});

/** The schema of every setting, by its name in the stack's configuration (`trustee-access:<name>`). */
export const sections = {
  trustee: trusteeSchema.prefault({}),
  podCluster: podClusterSchema.prefault({}),
  secrets: secretsSchema.default([]),
  podDefaults: podDefaultsSchema.default({}),
  pods: z.array(podSchema).default([]),
  readers: readersSchema.default([]),
  grants: grantsSchema.default([]),
  otherSecrets: about(
    z.enum(otherSecretsModes).default("affirming"),
    "who reads every secret that is neither named in a grant nor created here. `affirming`: every pod that attests well, which image policies need. `deny`: nobody",
  ),
  referenceValues: referenceValuesSchema.prefault({}),
  rotation: about(
    z.enum(rotationModes).default("overlap"),
    "a pod's [previous digest](rotation.md). `overlap`: accepted until the new pod is ready. `at-once`: refused before the new pod starts, for initdata that must not be trusted any longer",
  ),
  takeOver: about(
    z.boolean().default(false),
    "takes over the objects of a stack of the same name, for one run [after a lost state](moving.md#the-state-is-lost)",
  ),
} as const;

export type SectionName = keyof typeof sections;
export type Sections = { readonly [Name in SectionName]: z.output<(typeof sections)[Name]> };
export type SecretSettings = Sections["secrets"][number];
export type ReaderSettings = Sections["readers"][number];
export type GrantSettings = Sections["grants"][number];

/** Everything that one stack declares, checked and with all defaults. */
export interface Settings extends Omit<Sections, "podDefaults" | "pods"> {
  readonly pods: readonly PodDeclaration[];
}

/** The settings as a typed program writes them. Every section is optional. */
export type SettingsInput = { readonly [Name in SectionName]?: z.input<(typeof sections)[Name]> };
