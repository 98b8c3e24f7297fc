import type { ConfigMapFacts, SecretFacts, TrusteeFacts } from "../audit/facts.ts";
import { keysOf as readKeys, livePolicy, type PolicySide } from "../audit/trustee-view.ts";
import { readEntries } from "../../core/kbs-config/entries.ts";
import { defined } from "../../core/records.ts";
import {
  CONFIG_MAP_VERSIONS_ANNOTATION,
  parseConfigMapVersions,
  type KbsPod,
} from "../../core/rollout/kbs-pods.ts";
import { generationFacts, trusteeNames } from "../../core/trustee/generation.ts";
import { REDHAT_ROUTE } from "../../core/trustee/redhat.ts";
import { readIfAllowed, readBehind } from "../../kube/policy-behind.ts";
import type { KubeClient } from "../../kube/client.ts";
import { keysOf } from "../../kube/managed-fields.ts";
import type { Kind, KubeObject } from "../../kube/objects.ts";
import { dataOf, findKbsConfig, readTrusteeObjects } from "../../kube/trustee-objects.ts";
import { UserError } from "../../core/issues.ts";
import { kbsConfigSpec, labelSelector, lastWritten, seconds, selectorOf, statusOf } from "./fields.ts";

/** Trustee's place in its cluster. */
export interface TrusteePlace {
  readonly namespace: string;
  readonly kbsConfig: string;
  readonly deployment: string;
}

async function readKbsConfig(kube: KubeClient, { namespace, kbsConfig }: TrusteePlace): Promise<KubeObject> {
  const read = await findKbsConfig(kube, namespace, kbsConfig);
  if ("found" in read) return read.found;
  const { others } = read;
  throw new UserError(
    "TA804",
    `There is no KbsConfig "${kbsConfig}" in namespace "${namespace}"${others}. ` +
      `${others === "" ? "" : "Name one of them: --kbs-config. "}Name Trustee's cluster and namespace: --kubeconfig, --context, --namespace, or --stack.`,
  );
}

function mapFacts(map: KubeObject | undefined): ConfigMapFacts | undefined {
  if (map === undefined) return undefined;
  return {
    name: map.metadata.name,
    annotations: map.metadata.annotations ?? {},
    data: dataOf(map) ?? {},
    changedAt: lastWritten(map.metadata),
    resourceVersion: map.metadata.resourceVersion ?? "",
  };
}

/** Metadata alone: a Secret's content is never requested. */
async function readSecret(kube: KubeClient, namespace: string, name: string): Promise<SecretFacts> {
  const metadata = await kube.getMetadata({ kind: "Secret", namespace, name });
  if (metadata === undefined) return { name, exists: false };
  const { resourceVersion = "" } = metadata;
  const keys = keysOf(metadata);
  return { name, exists: true, changedAt: lastWritten(metadata), resourceVersion, ...defined({ keys }) };
}

function readPod(pod: KubeObject): KbsPod | undefined {
  const { ready, hasEnded } = statusOf(pod);
  const { metadata } = pod;
  if (hasEnded) return undefined;
  return {
    name: metadata.name,
    uid: metadata.uid ?? metadata.name,
    createdAt: seconds(metadata.creationTimestamp),
    ready,
    terminating: metadata.deletionTimestamp !== undefined,
    configMapVersions: parseConfigMapVersions(metadata.annotations?.[CONFIG_MAP_VERSIONS_ANNOTATION]),
  };
}

async function readKbsPods(
  kube: KubeClient,
  namespace: string,
  deployment: KubeObject | undefined,
): Promise<readonly KbsPod[]> {
  const selector = deployment === undefined ? labelSelector({ app: "kbs" }) : selectorOf(deployment);
  const pods = await kube.list("Pod", namespace, selector);
  return pods.flatMap((pod) => readPod(pod) ?? []);
}

/** The objects that the KbsConfig names, and which of their keys the Deployment mounts. */
interface Configured extends PolicySide {
  readonly kbsConfig: KubeObject;
  readonly deployment: KubeObject | undefined;
}

async function readConfigured(kube: KubeClient, place: TrusteePlace): Promise<Configured> {
  const { namespace } = place;
  const kbsConfig = await readKbsConfig(kube, place);
  const reads = {
    need: async (kind: Kind, name: string) => kube.get({ kind, namespace, name }),
    read: async (kind: Kind, name: string) => readIfAllowed(kube, { kind, namespace, name }),
  };
  const objects = await readTrusteeObjects(reads, Promise.resolve(kbsConfig), place.deployment);
  const { names, seen, deployment } = objects;
  return {
    kbsConfig,
    deployment,
    seen,
    names: { policy: names.policy, referenceValues: names.referenceValues },
    ...defined({ policy: mapFacts(objects.policy), referenceValues: mapFacts(objects.referenceValues) }),
  };
}

/** Reads the policy of a live Trustee and which keys it reads, without its Secrets and pods. */
export async function readPolicySide(kube: KubeClient, place: TrusteePlace): Promise<PolicySide> {
  return readConfigured(kube, place);
}

/**
 * Reads the facts of a live Trustee.
 * @param also Secrets to read in addition to those that the KbsConfig lists
 */
export async function readTrustee(
  kube: KubeClient,
  place: TrusteePlace,
  also: readonly string[] = [],
): Promise<TrusteeFacts> {
  const { namespace } = place;
  const { kbsConfig, deployment, ...side } = await readConfigured(kube, place);
  const spec = kbsConfigSpec.parse(kbsConfig["spec"] ?? {});
  const listed = readEntries(spec.kbsSecretResources, kbsConfig.metadata);
  const { policy } = side;
  const attestationMap = spec.kbsAttestationPolicyConfigMapName ?? trusteeNames.attestationPolicy;
  const [secrets, kbsPods, behind, attestation, route] = await Promise.all([
    Promise.all([...new Set([...listed, ...also])].map((name) => readSecret(kube, namespace, name))),
    readKbsPods(kube, namespace, deployment),
    policy === undefined
      ? undefined
      : readBehind(kube, kbsConfig, { namespace, ...policy, key: livePolicy(side).key }),
    readIfAllowed(kube, { kind: "ConfigMap", namespace, name: attestationMap }),
    readKeys(side).policyKey === generationFacts["0.18"].policyKey
      ? readIfAllowed(kube, { kind: "Route", namespace, name: REDHAT_ROUTE })
      : undefined,
  ]);
  return {
    now: Math.floor((kube.serverTime ?? new Date()).getTime() / 1000),
    namespace,
    kbsConfig: { name: kbsConfig.metadata.name, secrets: listed },
    deployment: place.deployment,
    ...side,
    ...defined({
      behind,
      attestationPolicy: mapFacts(attestation),
      routeOwners: route?.metadata.ownerReferences?.map(({ kind }) => kind),
    }),
    secrets,
    kbsPods,
  };
}
