import { encodeAnnotation, INITDATA_ANNOTATION, MACHINE_TYPE_ANNOTATION } from "../initdata/annotation.ts";
import { algorithmsOf, initDataClaim, type Binding } from "../initdata/binding.ts";
import { renderInitdata } from "../initdata/initdata.ts";
import { inspectInitdata, type InitdataFacts } from "../initdata/verbatim.ts";
import type { DigestAlgorithm } from "../digest.ts";
import type { Issues } from "../issues.ts";
import type { StackId } from "../policy/grants.ts";
import type { PodDeclaration } from "../settings/pod.ts";
import { checkLivePod, isOwnPod, sameInitdata, type LivePod } from "./live-pod.ts";

/** The KBS, as guests are configured to reach it. */
export interface KbsEndpoint {
  readonly url: string;
  /** The certificate that guests trust, PEM, public. Absent: their own trust store. */
  readonly certificate?: string | undefined;
}

/** A pod, with everything computed from its declaration. */
export interface PlannedPod {
  readonly declaration: PodDeclaration;
  /** The initdata document, exactly as measured. */
  readonly toml: string;
  /** The value of the cc_init_data annotation. */
  readonly annotation: string;
  /** The claim `init_data`: PCR8, host data or mr_config_id in lower-case hex; for `sample`, base64 of the digest. */
  readonly initData: string;
  /** The facts in a user's initdata file; absent if the initdata is generated. */
  readonly facts?: InitdataFacts;
  /** The object with its name in the cluster: the stack's own, one that it adopts, or none. Absent: the cluster was not read. */
  readonly live?: "own" | "adopted" | "none";
}

/** The algorithm with which a binding carries a document. One that it cannot carry becomes an issue. */
export function carriedAlgorithm(
  binding: Binding,
  algorithm: DigestAlgorithm,
  path: string,
  issues: Issues,
): DigestAlgorithm {
  const carried = algorithmsOf(binding);
  if (carried.includes(algorithm)) return algorithm;
  issues.add({
    code: "TA614",
    path,
    given: `algorithm = "${algorithm}"`,
    allowed: `${carried.join(", ")} for the binding ${binding}`,
    fix: "Change the file's algorithm, or the binding.",
  });
  return "sha256";
}

/** The inputs of a pod's initdata apart from its settings. */
interface PodSources {
  /** The content of its initdataFile, used instead of generated initdata. */
  readonly file?: string | undefined;
  /** The live object of its name, if it was read, and this stack, to which it should belong. */
  readonly live?:
    { readonly pod: LivePod | undefined; readonly own: StackId; readonly takeOver: boolean } | undefined;
}

function stateOf(pod: LivePod | undefined, own: StackId): NonNullable<PlannedPod["live"]> {
  if (pod === undefined) return "none";
  return isOwnPod(pod, own) ? "own" : "adopted";
}

/**
 * Computes a pod's initdata and the claim of its TEE.
 * @param path the pod's path in the settings
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
  // The same document in another compression stays as it is: other bytes would replace the pod.
  const kept = sameInitdata(live?.pod, toml) ? live?.pod?.annotation : undefined;
  return {
    declaration: pod,
    toml,
    annotation: kept ?? encodeAnnotation(toml),
    initData: initDataClaim(pod.binding, algorithm, toml),
    ...(facts === undefined ? {} : { facts }),
    ...(live === undefined ? {} : { live: stateOf(live.pod, live.own) }),
  };
}

/** All annotations of a pod, or of its controller's template. */
export function podAnnotations({ declaration, annotation }: PlannedPod): Readonly<Record<string, string>> {
  const { annotations, machineType } = declaration;
  return {
    ...annotations,
    ...(machineType === undefined ? {} : { [MACHINE_TYPE_ANNOTATION]: machineType }),
    [INITDATA_ANNOTATION]: annotation,
  };
}
