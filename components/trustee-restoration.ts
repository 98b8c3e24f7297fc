import * as pulumi from "@pulumi/pulumi";
import { configMapNames, trusteeNames, type ConfigMapNames } from "../core/trustee/generation.ts";
import * as trustee from "./trustee/index.ts";

export interface TrusteeRestorationArgs {
  /** @default `trustee-operator-system` */
  readonly namespace?: string;
  /** As `getTrustee` finds them. @default the operator's own */
  readonly configMaps?: ConfigMapNames;
  /** @default `trustee-deployment` */
  readonly deployment?: string;
  /** @default 10 */
  readonly timeoutMinutes?: number;
}

/**
 * Makes Trustee read the restored content after a destroy. A KBS keeps its policy until it is restarted, and
 * would go on refusing secrets by grants that are gone. Everything that changes Trustee depends on this
 * component. So it is created first, when it does nothing, and deleted last, when it rolls Trustee out unless
 * the operator has done so.
 */
export class TrusteeRestoration extends pulumi.ComponentResource {
  readonly rollout: trustee.Rollout;

  constructor(name: string, args: TrusteeRestorationArgs = {}, opts?: pulumi.ComponentResourceOptions) {
    super("trustee-access:index:TrusteeRestoration", name, {}, opts);
    const configMaps = args.configMaps ?? configMapNames;
    this.rollout = new trustee.Rollout(
      name,
      {
        namespace: args.namespace ?? trusteeNames.namespace,
        deployment: args.deployment ?? trusteeNames.deployment,
        changes: {},
        after: [
          { kind: "ConfigMap", name: configMaps.policy },
          { kind: "ConfigMap", name: configMaps.referenceValues },
        ],
        secrets: [],
        timeoutMinutes: args.timeoutMinutes ?? 10,
        onDelete: true,
      },
      { parent: this },
    );
    this.registerOutputs({});
  }
}
