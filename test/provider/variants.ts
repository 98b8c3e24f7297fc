import { readFileSync } from "node:fs";
import type { Generation } from "../../core/trustee/generation.ts";
import { installation, kbsRoute, trusteeConfig } from "../../sandbox/trustee/manifests/installation.ts";
import { kbsDeployment } from "../../sandbox/trustee/manifests/kbs.ts";
import {
  NAMESPACE,
  ownedBy,
  type Manifest,
  type OperatorBuild,
} from "../../sandbox/trustee/manifests/objects.ts";
import { podTemplate, versionedConfigMaps } from "../../sandbox/trustee/manifests/pod-template.ts";
import type { TestCluster } from "./cluster.ts";

/** Names kbs.example.com and *.apps.example.com, and is self-signed. */
export const LEAF = readFileSync("test/fixtures/certificates/leaf.pem", "utf8");

/** A change of one installed object; `undefined` removes it. */
export type Change = (manifest: Manifest) => Manifest | undefined;

/** The installed objects, and changes to them. */
export interface Variant {
  readonly keys: Generation;
  readonly operator?: OperatorBuild;
  /** Text -> its replacement in all objects, mainly names. */
  readonly rename?: Readonly<Record<string, string>>;
  /** `Kind/name` after renaming -> its change. */
  readonly changes?: Readonly<Record<string, Change>>;
  /** Route -> its host, or its whole spec. @default none */
  readonly routes?: Readonly<Record<string, string | object>>;
  readonly certificate?: string;
}

/** An object with changed or removed members of its `spec`. */
export function withSpec(members: Readonly<Record<string, unknown>>): Change {
  return (manifest) => ({ ...manifest, spec: { ...(manifest["spec"] as object), ...members } });
}

export function withData(data: Readonly<Record<string, string>>): Change {
  return (manifest) => ({ ...manifest, data });
}

/** A Deployment with one text of its pod template changed. */
export function template(change: (text: string) => string): Change {
  return (manifest) => JSON.parse(change(JSON.stringify(manifest))) as typeof manifest;
}

/** The KBS's configuration with one text changed. */
export function settingsWith(change: (text: string) => string, key = "kbs-config.toml"): Change {
  return (manifest) => {
    const [text = ""] = Object.values(manifest["data"] as Record<string, string>);
    return { ...manifest, data: { [key]: change(text) } };
  };
}

export const gone: Change = () => undefined;

/** Installs a variant of Trustee like its operator, in the cluster's own namespace. */
export async function install(cluster: TestCluster, variant: Variant): Promise<void> {
  const { keys, operator = "upstream", rename = {}, changes = {}, routes = {}, certificate = LEAF } = variant;
  const options = { generation: keys, operator, fresh: true, certificate, key: "hidden" };
  const sample = keys === "0.18" ? "kbsres1" : "attestation-status";
  const template = podTemplate(
    keys,
    [sample],
    versionedConfigMaps.map(() => "1"),
  );
  const installed = [
    ...trusteeConfig(options).filter(({ kind }) => kind === "TrusteeConfig"),
    ...(await installation(options, "1")).filter(({ kind }) => kind !== "Route"),
    kbsDeployment(template, 1, "1"),
  ];
  const owner = operator === "red-hat" ? ownedBy("TrusteeConfig", "trusteeconfig", "1") : undefined;
  for (const [name, given] of Object.entries(routes)) {
    const route = kbsRoute(keys, name === "kbs-route" ? owner : undefined);
    const spec = { ...(route["spec"] as object), ...(typeof given === "string" ? { host: given } : given) };
    installed.push({ ...route, metadata: { ...route.metadata, name }, spec });
  }
  const text = Object.entries({ ...rename, [NAMESPACE]: cluster.namespace }).reduce(
    (all, [from, to]) => all.replaceAll(from, to),
    JSON.stringify(installed),
  );
  for (const manifest of JSON.parse(text) as readonly Manifest[]) {
    const change = changes[`${manifest.kind}/${manifest.metadata.name}`];
    const made = change === undefined ? manifest : change(manifest);
    if (made !== undefined) cluster.apply(made);
  }
}
