import type * as k8s from "@pulumi/kubernetes/types/input.js";
import { podAnnotations, type PlannedPod } from "../core/plan/pod.ts";
import type { Who } from "../core/policy/identity.ts";
import { ownerAnnotations } from "../core/trustee/ownership.ts";

/** Parts of the pod's spec that are added to the declaration or replace parts of it. */
export type ExtraSpec = Partial<k8s.core.v1.PodSpec>;

/** The label with which a controller selects its pods. */
const WORKLOAD_LABEL = "trustee-access/workload";

/** The tutorial's spec: one container, the runtime class, the security context. */
function podSpec({ declaration }: PlannedPod, extra: ExtraSpec): k8s.core.v1.PodSpec {
  const env = Object.entries(declaration.env).map(([name, value]) => ({ name, value }));
  return {
    runtimeClassName: declaration.runtimeClassName,
    // A Job's template must set this.
    ...(declaration.kind === "Job" ? { restartPolicy: "Never" } : {}),
    containers: [
      {
        name: declaration.containerName,
        image: declaration.image,
        ...(declaration.command === undefined ? {} : { command: [...declaration.command] }),
        ...(declaration.args === undefined ? {} : { args: [...declaration.args] }),
        ...(env.length === 0 ? {} : { env }),
        ...(declaration.resources === undefined ? {} : { resources: declaration.resources }),
        securityContext: declaration.securityContext,
      },
    ],
    ...extra,
  };
}

function withLabels(labels: Readonly<Record<string, string>>): { labels?: Record<string, string> } {
  return Object.keys(labels).length === 0 ? {} : { labels: { ...labels } };
}

/**
 * A bare Pod.
 * @param own the stack whose mark it carries
 */
export function podArgs(
  pod: PlannedPod,
  extra: ExtraSpec,
  own: Who,
): { readonly metadata: k8s.meta.v1.ObjectMeta; readonly spec: k8s.core.v1.PodSpec } {
  const { name, namespace, labels } = pod.declaration;
  return {
    metadata: {
      name,
      namespace,
      ...withLabels(labels),
      annotations: { ...podAnnotations(pod), ...ownerAnnotations(own) },
    },
    spec: podSpec(pod, extra),
  };
}

/** Separates annotations for Pulumi (`pulumi.com/skipAwait`): they belong to the object that it creates. */
function split(annotations: Readonly<Record<string, string>>): {
  readonly own: Record<string, string>;
  readonly template: Record<string, string>;
} {
  const of = (forPulumi: boolean): Record<string, string> =>
    Object.fromEntries(
      Object.entries(annotations).filter(([name]) => name.startsWith("pulumi.com/") === forPulumi),
    );
  return { own: of(true), template: of(false) };
}

/**
 * A Job is replaced under its own name. With `pulumi.com/skipAwait`, Pulumi does not wait for its deletion,
 * so it must be deleted at once; its pods follow.
 */
const DELETION_POLICY = "pulumi.com/deletionPropagationPolicy";

/**
 * The metadata, selector and pod template of a controller. The template carries the initdata. The controller
 * alone carries the stack's mark: in the template, the mark would restart the pods.
 * @param own the stack whose mark it carries
 */
export function workloadArgs(
  pod: PlannedPod,
  extra: ExtraSpec,
  own: Who,
): {
  readonly metadata: k8s.meta.v1.ObjectMeta;
  readonly selector: k8s.meta.v1.LabelSelector;
  readonly template: k8s.core.v1.PodTemplateSpec;
} {
  const { name, namespace, labels, kind } = pod.declaration;
  const known = { [WORKLOAD_LABEL]: name };
  const { own: forPulumi, template } = split(podAnnotations(pod));
  return {
    metadata: {
      name,
      namespace,
      ...withLabels(labels),
      annotations: {
        ...(kind === "Job" ? { [DELETION_POLICY]: "background" } : {}),
        ...forPulumi,
        ...ownerAnnotations(own),
      },
    },
    selector: { matchLabels: known },
    template: {
      metadata: { labels: { ...labels, ...known }, annotations: template },
      spec: podSpec(pod, extra),
    },
  };
}
