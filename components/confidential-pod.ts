import { Deployment } from "@pulumi/kubernetes/apps/v1/deployment.js";
import { StatefulSet } from "@pulumi/kubernetes/apps/v1/statefulSet.js";
import { Job } from "@pulumi/kubernetes/batch/v1/job.js";
import { Pod } from "@pulumi/kubernetes/core/v1/pod.js";
import type * as k8s from "@pulumi/kubernetes/types/input.js";
import * as pulumi from "@pulumi/pulumi";
import { INITDATA_ANNOTATION } from "../core/initdata/annotation.ts";
import { Issues } from "../core/issues.ts";
import { onlyCertificates } from "../core/pem.ts";
import { planPod, type KbsEndpoint, type PlannedPod } from "../core/plan/pod.ts";
import { checkAnnotations, checkClaims, checkPod } from "../core/settings/check-pods.ts";
import type { PodSettings } from "../core/settings/pod-schema.ts";
import type { StackId } from "../core/policy/grants.ts";
import { declarePod } from "../core/settings/pod.ts";
import { stackName } from "./trustee/get-trustee.ts";
import { podArgs, workloadArgs, type ExtraSpec } from "./pod-template.ts";

/** A pod's spec whose values are all known. */
type PodSpec = k8s.core.v1.PodSpec;

/** A pod's declaration: the settings of one of `pods`. The name is optional. */
export type PodArgs = Omit<PodSettings, "name" | "initdataFile" | "deploy" | "adopt"> & {
  /** @default the resource's name */
  readonly name?: string;
} & (
    | {
        /** The KBS for the generated initdata, as `getTrustee` finds it. */
        readonly trustee: KbsEndpoint;
      }
    | {
        /** An initdata document (TOML), used byte for byte instead of a generated one. */
        readonly initdata: string;
      }
  );

export type ConfidentialPodArgs = (PodArgs | PlannedPod) & {
  /** The stack's identity, which tells it from another stack of the same name. @default none */
  readonly identity?: string | undefined;
  /** Parts of the pod's spec that are added to the declaration or replace parts of it. @default none */
  readonly spec?: ExtraSpec;
};

/** The annotation's property path in the resource. */
const INITDATA_PATH = `metadata.annotations["${INITDATA_ANNOTATION}"]`;

/**
 * Computes a pod's initdata and claim without declaring the pod. So a policy can name the pod before the pod
 * exists.
 * @throws IssuesError with all problems of the arguments
 */
export function planConfidentialPod(name: string, args: PodArgs): PlannedPod {
  const issues = new Issues();
  const { kbs, toml, settings } = split(args);
  const declaration = declarePod({ ...settings, name: args.name ?? name }, {});
  checkClaims(settings.claims, "claims", issues);
  checkAnnotations(settings.annotations, "annotations", issues);
  checkPod(declaration, "", issues);
  const certificate =
    kbs.certificate === undefined
      ? {}
      : {
          certificate: onlyCertificates(
            kbs.certificate,
            { path: "trustee.certificate", where: "a text that" },
            issues,
          ),
        };
  issues.throwIfAny(`the pod ${name}`);
  const planned = planPod(declaration, { ...kbs, ...certificate }, { file: toml }, name, issues);
  issues.throwIfAny(`the pod ${name}`);
  return planned;
}

function split(args: PodArgs): {
  readonly kbs: KbsEndpoint;
  readonly toml: string | undefined;
  readonly settings: Omit<PodSettings, "name">;
} {
  if ("initdata" in args) {
    const { initdata, name: _, ...settings } = args;
    return { kbs: { url: "" }, toml: initdata, settings };
  }
  const { trustee, name: _, ...settings } = args;
  return { kbs: trustee, toml: undefined, settings };
}

/**
 * A pod in a TEE, or a Deployment, StatefulSet or Job of such pods (`kind`). The TEE measures the initdata
 * when the pod starts, and a later change of the annotation restarts nothing. So new initdata deletes the pod
 * and creates it again under the same name; a controller rolls its pods. Needs the provider `kubernetes` of
 * the pods' cluster in `opts.provider` or `opts.providers`.
 */
export class ConfidentialPod extends pulumi.ComponentResource {
  readonly resource: Pod | Deployment | StatefulSet | Job;
  /** PCR8, host data or mr_config_id in lower-case hex; for `sample`, base64 of the digest. */
  readonly initData: string;
  /** The value of the annotation `io.katacontainers.config.hypervisor.cc_init_data`. */
  readonly annotation: string;

  constructor(name: string, args: ConfidentialPodArgs, opts?: pulumi.ComponentResourceOptions) {
    super("trustee-access:index:ConfidentialPod", name, {}, opts);
    const { spec = {}, identity, ...given } = args;
    const planned = "declaration" in given ? given : planConfidentialPod(name, given);
    this.initData = planned.initData;
    this.annotation = planned.annotation;
    this.resource = create(name, planned, { spec, own: { stack: stackName(), identity } }, this);
    this.registerOutputs({ initData: this.initData });
  }
}

/**
 * A Pod is replaced when its initdata or its declared spec changes. Admission may change any field of the
 * live spec (resources, images, environment, volumes), so the declaration is compared with the last one.
 */
function replacedByDeclaration(spec: PodSpec): pulumi.CustomResourceOptions {
  return { replaceOnChanges: [INITDATA_PATH], ignoreChanges: ["spec"], replacementTrigger: spec };
}

/**
 * The spec to send. An adopted Pod keeps its own: Kubernetes would refuse to undo what admission changed. In
 * a preview, the node is unknown. Otherwise the Kubernetes provider would try a replacement as an update of
 * the live Pod, which Kubernetes refuses for most fields, and the preview would fail.
 */
function sentSpec(spec: PodSpec, { live, declaration }: PlannedPod): PodSpec {
  if (live === "adopted") return { containers: [{ name: declaration.containerName }] };
  if (live === "none" || !pulumi.runtime.isDryRun()) return spec;
  return { nodeName: pulumi.output(pulumi.unknown).apply(String), ...spec };
}

function create(
  name: string,
  planned: PlannedPod,
  { spec: extra, own }: { readonly spec: ExtraSpec; readonly own: StackId },
  parent: pulumi.Resource,
): ConfidentialPod["resource"] {
  const { name: podName, kind, replicas } = planned.declaration;
  // Otherwise the replacement would take over the existing object, which would then be deleted as the old
  // one.
  const opts = { parent, deleteBeforeReplace: true };
  if (kind === "Pod") {
    const { metadata, spec } = podArgs(planned, extra, own);
    return new Pod(
      name,
      { metadata, spec: sentSpec(spec, planned) },
      { ...opts, ...replacedByDeclaration(spec) },
    );
  }
  const { metadata, selector, template } = workloadArgs(planned, extra, own);
  const count = replicas === undefined ? {} : { replicas };
  switch (kind) {
    case "Deployment":
      return new Deployment(name, { metadata, spec: { selector, ...count, template } }, opts);
    case "StatefulSet":
      return new StatefulSet(
        name,
        { metadata, spec: { serviceName: podName, selector, ...count, template } },
        opts,
      );
    case "Job":
      // A Job's template cannot be changed, so the Job is replaced.
      return new Job(name, { metadata, spec: { template } }, opts);
  }
}
