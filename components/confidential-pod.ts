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
import { stackName } from "./stack-name.ts";
import { podArgs, workloadArgs, type ExtraSpec } from "./pod-template.ts";

/** A pod's spec without anything in it that is still to come. */
type PodSpec = k8s.core.v1.PodSpec;

/** What a pod is declared by: the settings of one entry of `pods`, with its name optional. */
export type PodArgs = Omit<PodSettings, "name" | "initdataFile" | "deploy" | "adopt"> & {
  /** @default the resource's name */
  readonly name?: string;
} & (
    | {
        /** The KBS, as `getTrustee` finds it: goes into the generated initdata. */
        readonly trustee: KbsEndpoint;
      }
    | {
        /** An initdata document, TOML, taken byte for byte in place of a generated one. */
        readonly initdata: string;
      }
  );

export type ConfidentialPodArgs = (PodArgs | PlannedPod) & {
  /** What the stack's state tells it from another one of the same name by. @default nothing */
  readonly identity?: string | undefined;
  /** Parts of the pod's spec to set beside, or in place of, what the declaration gives. @default none */
  readonly spec?: ExtraSpec;
};

/** Where a change of the annotation stands in the resource, as Pulumi writes property paths. */
const INITDATA_PATH = `metadata.annotations["${INITDATA_ANNOTATION}"]`;

/**
 * Computes a pod's initdata and what its TEE will claim, without declaring anything: so that a policy can name the pod before
 * the pod, which depends on it, is created.
 * @throws IssuesError with everything that is wrong with the arguments
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
 * A pod in a TEE, or the Deployment, StatefulSet or Job whose pods are (`kind`). A pod is measured with its initdata when it
 * starts, and an annotation changed later does not restart it: so another initdata means delete, then create under the
 * same name. A controller's template rolls as Kubernetes does. Needs the provider `kubernetes` of the pods' cluster, by
 * `opts.provider` or `opts.providers`.
 */
export class ConfidentialPod extends pulumi.ComponentResource {
  readonly resource: Pod | Deployment | StatefulSet | Job;
  /** PCR8, host data or mr_config_id, lower-case hex. */
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
 * A Pod is replaced when its initdata or its declared spec changes. Admission may change any field of the spec when the Pod is created
 * (resources, images, environment, volumes), so that what is live says nothing of the declaration: that is compared with the last one.
 */
function replacedByDeclaration(spec: PodSpec): pulumi.CustomResourceOptions {
  return { replaceOnChanges: [INITDATA_PATH], ignoreChanges: ["spec"], replacementTrigger: spec };
}

/**
 * The spec that is sent. Of a Pod that is adopted nothing is changed: what admission has changed, Kubernetes would refuse to change back.
 * In a preview it has a node that is not known yet. The Kubernetes provider else tries a replacement as an update of the Pod that is there,
 * which Kubernetes refuses for most fields, and the preview fails.
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
  // What exists under its name would be taken over by its successor, and then be deleted as the former one.
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
      // A Job's template cannot be changed: another one takes its place.
      return new Job(name, { metadata, spec: { template } }, opts);
  }
}
