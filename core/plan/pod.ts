import { encodeAnnotation } from "../initdata/annotation.ts";
import { algorithmsOf, initDataClaim, type Binding } from "../initdata/binding.ts";
import { renderInitdata } from "../initdata/initdata.ts";
import { inspectInitdata, type InitdataFacts } from "../initdata/verbatim.ts";
import type { DigestAlgorithm } from "../digest.ts";
import type { Issues } from "../issues.ts";
import type { StackId } from "../policy/grants.ts";
import type { PodDeclaration } from "../settings/pod.ts";
import { checkLivePod, isOwnPod, sameInitdata, type LivePod } from "./live-pod.ts";

/** The KBS as the guests are told of it. */
export interface KbsEndpoint {
  readonly url: string;
  /** What the guests are told to trust, PEM; public. Absent: their own trust store decides. */
  readonly certificate?: string | undefined;
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
  /** What the document says of itself, where it is a file of the user's. */
  readonly facts?: InitdataFacts;
  /** Whether an object of its name is in the cluster and the stack's. Absent: that was not looked at. */
  readonly isOwn?: boolean;
}

/** The algorithm by which a binding carries a document; one that it cannot carry becomes an issue. */
export function carriedAlgorithm(
  binding: Binding,
  algorithm: DigestAlgorithm,
  path: string,
  issues: Issues,
): DigestAlgorithm {
  const carried = algorithmsOf(binding);
  if (carried.includes(algorithm)) return algorithm;
  issues.add({
    path,
    given: `algorithm = "${algorithm}"`,
    allowed: `${carried.join(", ")} for the binding ${binding}`,
    fix: "Change the file's algorithm, or the binding.",
  });
  return "sha256";
}

/** What a pod's initdata may come from beside its settings. */
interface PodSources {
  /** The content of its initdataFile: then nothing is generated. */
  readonly file?: string | undefined;
  /** The object of its name as it is in the cluster, where that was looked at, and this stack, whose it should be. */
  readonly live?:
    { readonly pod: LivePod | undefined; readonly own: StackId; readonly takeOver: boolean } | undefined;
}

/**
 * Computes one pod's initdata, and what its TEE will claim.
 * @param path where the pod stands in the settings
 */
export function planPod(
  pod: PodDeclaration,
  kbs: KbsEndpoint,
  { file, live }: PodSources,
  path: string,
  issues: Issues,
): PlannedPod {
  const facts = file === undefined ? undefined : inspectInitdata(file, `${path}.initdataFile`, issues);
  const algorithm = carriedAlgorithm(
    pod.binding,
    facts?.algorithm ?? pod.algorithm,
    `${path}.initdataFile`,
    issues,
  );
  const { url, certificate } = kbs;
  const toml =
    file ??
    renderInitdata({
      algorithm,
      claims: pod.claims,
      url,
      ...(certificate === undefined ? {} : { certificate }),
      ...(pod.imagePolicyUri === undefined ? {} : { imagePolicyUri: pod.imagePolicyUri }),
      agentPolicy: pod.agentPolicy,
    });
  if (live !== undefined) checkLivePod(pod, live.pod, toml, live.own, live.takeOver, path, issues);
  // The same document, compressed by somebody else, stays as it is: other bytes would replace the pod.
  const kept = sameInitdata(live?.pod, toml) ? live?.pod?.annotation : undefined;
  return {
    declaration: pod,
    toml,
    annotation: kept ?? encodeAnnotation(toml),
    initData: initDataClaim(pod.binding, algorithm, toml),
    ...(facts === undefined ? {} : { facts }),
    ...(live === undefined ? {} : { isOwn: isOwnPod(live.pod, live.own) }),
  };
}
