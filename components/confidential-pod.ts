import { Pod } from "@pulumi/kubernetes/core/v1/pod.js";
import type * as k8s from "@pulumi/kubernetes/types/input.js";
import * as pulumi from "@pulumi/pulumi";
import { INITDATA_ANNOTATION, MACHINE_TYPE_ANNOTATION } from "../core/initdata/annotation.ts";
import type { PlannedPod } from "../core/plan/plan.ts";

export interface ConfidentialPodArgs {
  /** The pod with its initdata, as planned by core. */
  readonly pod: PlannedPod;
  /** The provider of the pods' cluster. */
  readonly kubernetes: pulumi.ProviderResource;
  /** Parts of the pod's spec to set beside, or in place of, what the declaration gives. @default none */
  readonly spec?: Partial<k8s.core.v1.PodSpec>;
}

/** Where a change of the annotation stands in the resource, as Pulumi writes property paths. */
const INITDATA_PATH = `metadata.annotations["${INITDATA_ANNOTATION}"]`;

/**
 * A pod in a TEE. It is measured with its initdata when it starts, and an annotation changed later does not restart
 * it: so another initdata means delete, then create under the same name.
 */
export class ConfidentialPod extends pulumi.ComponentResource {
  readonly pod: Pod;
  /** PCR8, host data or mr_config_id, lower-case hex. */
  readonly initData: string;

  constructor(name: string, args: ConfidentialPodArgs, opts?: pulumi.ComponentResourceOptions) {
    super("trustee-access:index:ConfidentialPod", name, {}, opts);
    const { declaration, annotation, initData } = args.pod;
    this.initData = initData;
    this.pod = new Pod(
      name,
      {
        metadata: {
          name: declaration.name,
          namespace: declaration.namespace,
          ...(Object.keys(declaration.labels).length === 0 ? {} : { labels: declaration.labels }),
          annotations: {
            ...declaration.annotations,
            ...(declaration.machineType === undefined
              ? {}
              : { [MACHINE_TYPE_ANNOTATION]: declaration.machineType }),
            [INITDATA_ANNOTATION]: annotation,
          },
        },
        spec: { ...podSpec(args.pod), ...args.spec },
      },
      {
        parent: this,
        provider: args.kubernetes,
        deleteBeforeReplace: true,
        replaceOnChanges: [INITDATA_PATH],
      },
    );
    this.registerOutputs({ initData });
  }
}

/** The tutorial's spec: one container, the runtime class, the security context. */
function podSpec({ declaration }: PlannedPod): k8s.core.v1.PodSpec {
  const env = Object.entries(declaration.env).map(([name, value]) => ({ name, value }));
  return {
    runtimeClassName: declaration.runtimeClassName,
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
  };
}
