import { accessChanges, type AccessChange } from "../access/changes.ts";
import { accessMatrix, type AccessMatrix } from "../access/matrix.ts";
import { encodeAnnotation } from "../initdata/annotation.ts";
import { algorithmsOf, initDataClaim } from "../initdata/binding.ts";
import { renderInitdata } from "../initdata/initdata.ts";
import { inspectInitdata } from "../initdata/verbatim.ts";
import { Issues } from "../issues.ts";
import { canonicalGrants, EVERY_KEY, mergeGrants, type StackGrants } from "../policy/grants.ts";
import type { Before } from "../policy/registry.ts";
import { stacksAfterJoin } from "../policy/share.ts";
import type { Digests } from "../reference-values/merge.ts";
import type { PodDeclaration } from "../settings/pod.ts";
import type { Settings } from "../settings/settings.ts";

/** What the plan needs to know of the live Trustee. */
export interface TrusteeEndpoint {
  readonly url: string;
  /** PEM; public. */
  readonly certificate?: string;
  /** The resource policy that is live: what other stacks grant and restrict stands in it. @default none */
  readonly policy?: Before;
}

/** One pod with everything that follows from its declaration. */
export interface PlannedPod {
  readonly declaration: PodDeclaration;
  /** The initdata document, exactly as it is measured. */
  readonly toml: string;
  /** The value of the cc_init_data annotation. */
  readonly annotation: string;
  /** The claim `init_data`: PCR8 for a vTPM. Lower-case hex. */
  readonly initData: string;
}

/** Everything that one stack is about to declare, computed before anything is registered. */
export interface Plan {
  readonly pods: readonly PlannedPod[];
  readonly grants: StackGrants;
  readonly digests: Digests;
  /** What the policy will say once this stack is in it, the grants of the other stacks included. */
  readonly matrix: AccessMatrix;
  /** Which cells that opens and closes, compared with the policy that is live. */
  readonly accessChanges: readonly AccessChange[];
}

function planPod(
  pod: PodDeclaration,
  trustee: TrusteeEndpoint,
  file: string | undefined,
  path: string,
  issues: Issues,
): PlannedPod {
  const algorithm =
    file === undefined ? pod.algorithm : inspectInitdata(file, `${path}.initdataFile`, issues);
  const carried = algorithmsOf(pod.binding);
  if (!carried.includes(algorithm)) {
    issues.add({
      path: `${path}.initdataFile`,
      given: `algorithm = "${algorithm}"`,
      allowed: `${carried.join(", ")} for the binding ${pod.binding}`,
      mend: "Change the file's algorithm, or the pod's binding.",
    });
  }
  const toml =
    file ??
    renderInitdata({
      algorithm,
      claims: pod.claims,
      ...trustee,
      ...(pod.imagePolicyUri === undefined ? {} : { imagePolicyUri: pod.imagePolicyUri }),
      agentPolicy: pod.agentPolicy,
    });
  const bound = carried.includes(algorithm) ? algorithm : "sha256";
  return {
    declaration: pod,
    toml,
    annotation: encodeAnnotation(toml),
    initData: initDataClaim(pod.binding, bound, toml),
  };
}

/** Two pods that measure alike cannot be told apart: a grant to one would be a grant to both. */
function checkDistinct(pods: readonly PlannedPod[], issues: Issues): void {
  const first = new Map<string, string>();
  pods.forEach(({ declaration, initData }, index) => {
    const before = first.get(initData);
    if (before === undefined) first.set(initData, declaration.name);
    else {
      issues.add({
        path: `pods[${index}]`,
        given: `the same initdata as ${before}`,
        allowed: "initdata of its own, since Trustee tells pods apart by nothing else",
        mend: `Give ${declaration.name} a claim of its own (claims), or another initdataFile.`,
      });
    }
  });
}

/**
 * Restricts every secret that is named in a grant or created here; a grant without a key covers every key.
 * The readers are the pods' claims.
 */
function planGrants(settings: Settings, pods: readonly PlannedPod[], stack: string): StackGrants {
  const secrets: Record<string, Record<string, Record<string, string>>> = {};
  for (const secret of settings.secrets) if (secret.from === "setting") secrets[secret.name] = {};
  for (const grant of settings.grants) {
    const pod = pods.find((one) => one.declaration.name === grant.pod);
    if (pod === undefined) continue;
    const keys = (secrets[grant.secret] ??= {});
    const readers = (keys[grant.key ?? EVERY_KEY] ??= {});
    readers[pod.initData] = pod.declaration.name;
  }
  return canonicalGrants({ stack, others: settings.otherSecrets, secrets });
}

/**
 * What the settings come to on this Trustee. Pure: the same input gives the same bytes everywhere.
 * @param files initdataFile -> its content
 * @param stack `organization/project/stack`
 * @throws IssuesError with all problems at once
 */
export function makePlan(
  settings: Settings,
  trustee: TrusteeEndpoint,
  files: Readonly<Record<string, string>>,
  stack: string,
  subject: string,
): Plan {
  const issues = new Issues();
  const pods = settings.pods.map((pod, index) =>
    planPod(
      pod,
      trustee,
      pod.initdataFile === undefined ? undefined : files[pod.initdataFile],
      `pods[${index}]`,
      issues,
    ),
  );
  checkDistinct(pods, issues);
  issues.throwIfAny(subject);
  const grants = planGrants(settings, pods, stack);
  const live = trustee.policy ?? null;
  const matrix = accessMatrix(
    mergeGrants(stacksAfterJoin(live, grants)),
    pods.map(({ declaration, initData }) => ({
      pod: declaration.name,
      namespace: declaration.namespace,
      initData,
    })),
    settings.secrets.flatMap(({ name, keys }) => keys.map((key) => ({ secret: name, key }))),
  );
  const digests = pods.map(({ initData }) => initData).sort();
  return {
    pods,
    grants,
    digests: Object.fromEntries(settings.referenceValues.entries.map((entry) => [entry, digests])),
    matrix,
    accessChanges: accessChanges(live, grants, matrix),
  };
}
