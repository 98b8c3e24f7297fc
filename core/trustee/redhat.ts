import { parseRegistry } from "../policy/registry.ts";
import { own } from "../records.ts";
import { generationFacts } from "./generation.ts";

/** Red Hat's operator 1.2 does not migrate a ConfigMap with this annotation. It sets it on its own. */
export const MIGRATED_ANNOTATION = "kbs.confidentialcontainers.org/migrated-from-v1.1.0";
export const MIGRATED_VERSION = "v1.2.0";

/** The Route that Red Hat's operators create from 1.1 on. */
export const REDHAT_ROUTE = "kbs-route";

/** A policy's ConfigMap, and facts that identify the operator. */
export interface UpdatedTrustee {
  readonly data: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  /** The owner kinds of {@link REDHAT_ROUTE}; undefined: no such Route. */
  readonly routeOwners?: readonly string[] | undefined;
}

/** Whether this is Red Hat's Trustee 1.1 with a policy of this project, which the update to 1.2 deletes. */
export function losesPolicy({ data, annotations, routeOwners = [] }: UpdatedTrustee): boolean {
  const [before, after] = [generationFacts["0.18"], generationFacts["0.21"]];
  const text = own(data, before.policyKey);
  return (
    routeOwners.includes("TrusteeConfig") &&
    text !== undefined &&
    !Object.hasOwn(data, after.policyKey) &&
    own(annotations, MIGRATED_ANNOTATION) === undefined &&
    parseRegistry(text) !== undefined
  );
}

/** What the update does, and its effect. */
export const lossWords = {
  what: "The update of Red Hat's operator from 1.1 to 1.2, which may run without your approval, deletes the policy and installs the stock one.",
  why: "Every stack's grants are gone then, and every pod that attests well reads every secret, until the next pulumi up of any stack.",
} as const;

/** A shell command (kubectl, jq) that keeps the policy through the update. */
function keepPolicyCommand(namespace: string, configMap: string): string {
  const [from, to] = [generationFacts["0.18"].policyKey, generationFacts["0.21"].policyKey];
  return (
    `kubectl get configmap ${configMap} -n ${namespace} -o json | ` +
    `jq '.metadata.annotations["${MIGRATED_ANNOTATION}"]="${MIGRATED_VERSION}" | .data["${to}"]=.data["${from}"]' | ` +
    "kubectl replace -f -"
  );
}

/** What to do, in the imperative. */
export function keepPolicyWords(namespace: string, configMap: string): string {
  return (
    "Set installPlanApproval of its Subscription to Manual. Right before you approve the update, add the policy under its next key, " +
    `and the annotation with which 1.2 keeps it: ${keepPolicyCommand(namespace, configMap)} . After the update, run pulumi up of any stack.`
  );
}
