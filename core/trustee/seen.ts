import { z } from "zod";
import { defined, isRecord, own } from "../records.ts";
import type { ReferenceValuesFormat } from "./format.ts";
import { knownKeys, liveKey, trusteeNames, type ConfigMapNames } from "./generation.ts";
import { POLICY_PATHS, readKbsSettings, VALUES_FILES, type KbsSettings } from "./kbs-settings.ts";
import {
  fileAt,
  isProjected,
  kbsContainer,
  mountAt,
  mountsOfMap,
  podTemplateOf,
  volumesOfMap,
  type MountedKey,
  type PodTemplate,
} from "./mounts.ts";

/** How a KBS passes a secret's path to the policy: one string up to v0.16, an array from v0.17 on. */
export type PathForm = "string" | "array";

/** Facts about how the KBS reads its files. Each one is read separately, and absent if it cannot be read. */
export interface Seen {
  /** The key of the policy's ConfigMap. */
  readonly policyKey?: string;
  /** The key of the reference values' ConfigMap. */
  readonly referenceValuesKey?: string;
  readonly referenceValuesFormat?: ReferenceValuesFormat;
  /** Where the served certificate is. */
  readonly certificate?: Pick<MountedKey, "name" | "key">;
  /** Whether the KBS serves without TLS. */
  readonly isHttp?: boolean;
  readonly pathForm?: PathForm;
  /** The ConfigMaps that the Deployment mounts in place of the named ones, which it does not mount. */
  readonly mountedInstead?: Partial<ConfigMapNames>;
  /** Whether the KBS certainly does not read the policy's ConfigMap. */
  readonly isPolicyUnread?: boolean;
}

const trusteeConfigSchema = z.object({
  spec: z.object({ httpsSpec: z.object({ tlsSecretName: z.string().min(1) }) }),
});

type Data = Readonly<Record<string, string>>;

/** The names of Trustee's own objects in the KbsConfig. */
export interface Names extends ConfigMapNames {
  /** The ConfigMap with the KBS's configuration. */
  readonly kbsSettings: string;
  /** The Secret with the served certificate; absent: the KBS serves http. */
  readonly certificate?: string;
  /** The TrusteeConfig that names the source of that Secret. Absent: the Secret is no copy. */
  readonly trusteeConfig?: string;
}

/**
 * The names in a KbsConfig, with the operator's names as defaults.
 * @param kbsConfig the object; undefined: there is none
 */
export function namesIn(
  kbsConfig:
    | {
        readonly metadata: {
          readonly ownerReferences?: readonly { kind: string; name: string }[] | undefined;
        };
      }
    | undefined,
): Names {
  const spec: unknown = kbsConfig !== undefined && "spec" in kbsConfig ? kbsConfig.spec : undefined;
  const named = (field: string): string | undefined => {
    const name = isRecord(spec) ? own(spec, field) : undefined;
    return typeof name === "string" && name !== "" ? name : undefined;
  };
  const certificate = named("kbsHttpsCertSecretName");
  const owner = (kbsConfig?.metadata.ownerReferences ?? []).find(
    ({ kind, name }) => kind === "TrusteeConfig" && certificate === `${name}-https-cert-secret`,
  );
  return {
    policy: named("kbsResourcePolicyConfigMapName") ?? trusteeNames.resourcePolicy,
    referenceValues: named("kbsRvpsRefValuesConfigMapName") ?? trusteeNames.referenceValues,
    kbsSettings: named("kbsConfigMapName") ?? trusteeNames.kbsConfig,
    ...(certificate === undefined ? {} : { certificate }),
    ...(owner === undefined ? {} : { trusteeConfig: owner.name }),
  };
}

/** The Secret with the KBS's certificate and key that a TrusteeConfig names; `undefined`: none. */
export function tlsSecretIn(trusteeConfig: unknown): string | undefined {
  return trusteeConfigSchema.safeParse(trusteeConfig).data?.spec.httpsSpec.tlsSecretName;
}

/** The KBS's configuration: the key in its command, else the only key of its ConfigMap. */
function settingsText(template: PodTemplate | undefined, data: Data): string | undefined {
  const { command = [], args = [] } = (template && kbsContainer(template)) ?? {};
  const words = [...command, ...args];
  const path = words[words.findIndex((word) => word === "--config-file" || word === "-c") + 1];
  const key = template === undefined || path === undefined ? undefined : fileAt(template, path)?.key;
  const [only, ...more] = Object.values(data);
  return (key === undefined ? undefined : own(data, key)) ?? (more.length === 0 ? only : undefined);
}

/** KBS v0.16 is the last one that passes a string. @returns undefined: the image does not tell */
function formByImage(image: string): PathForm | undefined {
  const [, tag = ""] = image.slice(image.lastIndexOf("/") + 1).split(/[:@]/, 2);
  // `v0.18.0`, or `built-in-as-v0.18.0` with upstream's operator.
  const versions = tag.split("-").flatMap((part) => /^v?(\d+)\.(\d+)\.\d+$/.exec(part)?.slice(1, 3) ?? []);
  const [major, minor] = versions.map(Number);
  if (major === undefined || minor === undefined) return undefined;
  return major > 0 || minor > 16 ? "array" : "string";
}

function policyFiles(
  template: PodTemplate,
  { policyPath }: Partial<KbsSettings>,
): readonly (MountedKey | undefined)[] {
  return (policyPath === undefined ? POLICY_PATHS : [policyPath]).map((path) => fileAt(template, path));
}

function policyKeyOf(
  template: PodTemplate,
  settings: Partial<KbsSettings>,
  policy: string,
): string | undefined {
  const files = policyFiles(template, settings);
  const [only, ...more] = mountsOfMap(template, policy).keys;
  return keyOf(files, policy) ?? (more.length === 0 ? only : undefined);
}

function keyOf(files: readonly (MountedKey | undefined)[], configMap: string): string | undefined {
  return files.find((file) => file?.kind === "ConfigMap" && file.name === configMap)?.key;
}

/** The ConfigMap in one of these files, if the Deployment does not mount the named one at all. */
function insteadOf(
  { volumes }: PodTemplate,
  files: readonly (MountedKey | undefined)[],
  configMap: string,
): string | undefined {
  if (volumes.some((volume) => volume.configMap?.name === configMap)) return undefined;
  return files.find((file) => file?.kind === "ConfigMap")?.name;
}

function mountedInstead(
  template: PodTemplate,
  settings: Partial<KbsSettings>,
  names: ConfigMapNames,
): Partial<ConfigMapNames> | undefined {
  const values = settings.referenceValues === undefined ? VALUES_FILES : [settings.referenceValues];
  const valuesFiles = values.map(({ path }) => fileAt(template, path));
  const found = defined({
    policy: insteadOf(template, policyFiles(template, settings), names.policy),
    referenceValues: insteadOf(template, valuesFiles, names.referenceValues),
  });
  return Object.keys(found).length === 0 ? undefined : found;
}

/**
 * Whether the KBS certainly does not read the policy's ConfigMap: no volume has it, or another file is where
 * the KBS's configuration names the policy. Another container may copy it to there.
 */
function isUnread(template: PodTemplate, { policyPath }: Partial<KbsSettings>, policy: string): boolean {
  const volumes = volumesOfMap(template, policy);
  if (volumes.length === 0) return true;
  if (policyPath === undefined || keyOf([fileAt(template, policyPath)], policy) !== undefined) return false;
  const place = mountAt(template, policyPath)?.name;
  if (place !== undefined && isProjected(template, place)) return false;
  // The operator's own init container has the mounts of the KBS, and copies only secrets.
  const seen = (kbsContainer(template)?.volumeMounts ?? []).map(({ mountPath }) => mountPath);
  const copies = ({ volumeMounts }: PodTemplate["containers"][number]): boolean =>
    volumeMounts.some(({ name }) => name === place) &&
    volumeMounts.some(({ name, mountPath }) => volumes.includes(name) && !seen.includes(mountPath));
  return ![...template.initContainers, ...template.containers].some(copies);
}

function valuesFacts(
  template: PodTemplate,
  settings: Partial<KbsSettings>,
  configMap: string,
): Pick<Seen, "referenceValuesKey" | "referenceValuesFormat"> {
  const files = settings.referenceValues === undefined ? VALUES_FILES : [settings.referenceValues];
  const found = files.find(({ path }) => keyOf([fileAt(template, path)], configMap) !== undefined);
  const [only, ...more] = mountsOfMap(template, configMap).keys;
  const key = found === undefined ? undefined : keyOf([fileAt(template, found.path)], configMap);
  const referenceValuesKey = key ?? (more.length === 0 ? only : undefined);
  const referenceValuesFormat = (found ?? settings.referenceValues)?.format;
  return defined({ referenceValuesKey, referenceValuesFormat });
}

/**
 * Reads the facts from the Deployment and the KBS's configuration.
 * @param deployment the object; undefined: it could not be read
 * @param kbsSettings the data of the ConfigMap with the KBS's configuration; undefined: it could not be read
 */
export function seenOf(deployment: unknown, kbsSettings: Data | undefined, names: ConfigMapNames): Seen {
  const template = podTemplateOf(deployment);
  const text = kbsSettings === undefined ? undefined : settingsText(template, kbsSettings);
  const settings = text === undefined ? undefined : readKbsSettings(text);
  const isHttp = settings?.isHttp;
  if (template === undefined) return defined({ isHttp });
  const policyKey = policyKeyOf(template, settings ?? {}, names.policy);
  const values = valuesFacts(template, settings ?? {}, names.referenceValues);
  const served =
    settings?.certificatePath === undefined ? undefined : fileAt(template, settings.certificatePath);
  // The map format came with KBS v0.19.
  const byImage = formByImage(kbsContainer(template)?.image ?? "");
  const pathForm = values.referenceValuesFormat === "map" ? "array" : byImage;
  const certificate = served?.kind === "Secret" ? { name: served.name, key: served.key } : undefined;
  const instead = mountedInstead(template, settings ?? {}, names);
  const isPolicyUnread = isUnread(template, settings ?? {}, names.policy) ? true : undefined;
  return {
    ...values,
    ...defined({ isHttp, policyKey, certificate, pathForm, mountedInstead: instead, isPolicyUnread }),
  };
}

/** The keys that Trustee reads in both ConfigMaps. */
export interface TrusteeKeys {
  readonly policyKey: string;
  readonly referenceValuesKey: string;
}

/** What people call a Trustee: its operator, up to v0.18 or from v0.19 on. No decision uses it. */
export function operatorName({ referenceValuesFormat }: Seen, { policyKey }: TrusteeKeys): string {
  const isOlder =
    referenceValuesFormat === undefined ? policyKey === "policy.rego" : referenceValuesFormat === "list";
  return isOlder ? "0.18" : "0.21";
}

/**
 * Each key from the facts, else from a setting, else the known one that exists.
 * @returns a key is `undefined` if it is unknown
 */
export function resolveKeys(
  seen: Seen,
  data: { readonly policy: Data | undefined; readonly referenceValues: Data | undefined },
  settings: Partial<TrusteeKeys> = {},
): { readonly [Key in keyof TrusteeKeys]: string | undefined } {
  return {
    policyKey: seen.policyKey ?? settings.policyKey ?? liveKey(data.policy, knownKeys.policy),
    referenceValuesKey:
      seen.referenceValuesKey ??
      settings.referenceValuesKey ??
      liveKey(data.referenceValues, knownKeys.referenceValues),
  };
}
