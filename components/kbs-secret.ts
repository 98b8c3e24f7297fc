import { Secret } from "@pulumi/kubernetes/core/v1/secret.js";
import * as pulumi from "@pulumi/pulumi";
import { ownerAnnotations, ownerLabels } from "../core/trustee/ownership.ts";
import { sha256Hex } from "../core/digest.ts";
import * as trustee from "./trustee/index.ts";

export interface KbsSecretArgs {
  /** The Secret's name: the middle part of `kbs:///default/<name>/<key>`. */
  readonly name: string;
  readonly namespace: string;
  readonly kbsConfig: string;
  /**
   * Key -> base64 of the value, for a Secret that is created here; kept as a Pulumi secret throughout.
   * @default the Secret exists already and is not touched
   */
  readonly data?: pulumi.Input<Readonly<Record<string, string>>>;
  /** `organization/project/stack`, which is written on the Secret that it creates. */
  readonly stack: string;
  /** The provider of Trustee's cluster for the Secret; the one of package `trustee` comes by `opts.providers`. */
  readonly kubernetes: pulumi.ProviderResource;
}

/**
 * A secret that the KBS serves: the Kubernetes Secret, where it is created here, and its name in the KbsConfig. The
 * Secret comes first and goes last, since a listed Secret that does not exist stops every reconcile of the KBS.
 */
export class KbsSecret extends pulumi.ComponentResource {
  readonly name: string;
  readonly entry: trustee.KbsSecretEntry;
  /** Changes when the KBS has to be rolled out for this secret: a hash, itself a Pulumi secret. */
  readonly change: pulumi.Output<string>;

  constructor(name: string, args: KbsSecretArgs, opts: pulumi.ComponentResourceOptions) {
    super("trustee-access:index:KbsSecret", name, {}, opts);
    this.name = args.name;
    const secret = args.data === undefined ? undefined : this.#create(name, args, pulumi.secret(args.data));
    this.entry = new trustee.KbsSecretEntry(
      name,
      {
        namespace: args.namespace,
        kbsConfig: args.kbsConfig,
        secret: args.name,
        secretIsCreated: secret !== undefined,
      },
      { parent: this, ...(secret === undefined ? {} : { dependsOn: [secret] }) },
    );
    const data = secret === undefined ? pulumi.output({}) : secret.data;
    this.change = pulumi
      .all([this.entry.revision, data])
      .apply(([revision, values]) => sha256Hex(JSON.stringify([revision, Object.entries(values).sort()])));
    this.registerOutputs({ entry: this.entry.id });
  }

  #create(name: string, args: KbsSecretArgs, data: pulumi.Output<Readonly<Record<string, string>>>): Secret {
    return new Secret(
      name,
      {
        metadata: {
          name: args.name,
          namespace: args.namespace,
          labels: ownerLabels,
          annotations: ownerAnnotations(args.stack),
        },
        type: "Opaque",
        data: data.apply((values) => ({ ...values })),
      },
      { parent: this, provider: args.kubernetes },
    );
  }
}
