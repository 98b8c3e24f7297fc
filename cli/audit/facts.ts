import type { Binding } from "../../core/initdata/binding.ts";
import type { Behind } from "../../core/policy/vanished.ts";
import type { ObservedPod } from "../../core/rollout/observation.ts";
import type { ConfigMapNames } from "../../core/trustee/generation.ts";
import type { Seen } from "../../core/trustee/seen.ts";

/**
 * What is live on both sides, as a command read it: all that `lint` and `explain` judge by. Every time is in whole
 * seconds since 1970, by the API server's clock. No secret's content is among it.
 */
export interface LiveFacts {
  readonly trustee: TrusteeFacts;
  /** Pods with initdata that have not ended; `undefined`: the pods were not looked at. */
  readonly pods: readonly PodFacts[] | undefined;
  /** The namespaces whose pods were looked at, where that was not all of them. */
  readonly namespaces?: readonly string[] | undefined;
  /** What the live policy answered in a real Rego engine. */
  readonly answers: PolicyAnswers;
  /** What a stack says, where one was named. */
  readonly stack?: StackFacts | undefined;
}

/** What a stack knows of its own, which the cluster does not show. */
export interface StackFacts {
  /** Pod or reader -> its claim `init_data`, lower-case hex. */
  readonly claims: Readonly<Record<string, string>>;
  /** Pod -> how its TEE binds the initdata, as far as that is known. */
  readonly bindings: Readonly<Record<string, Binding>>;
  /** The entries of the reference values that it writes, whatever they are called. */
  readonly entries: readonly string[];
}

export interface TrusteeFacts {
  readonly now: number;
  readonly namespace: string;
  readonly kbsConfig: {
    readonly name: string;
    /** spec.kbsSecretResources: what the KBS serves. */
    readonly secrets: readonly string[];
  };
  readonly deployment: string;
  /** How the KBS reads its files, as far as that can be seen. @default nothing is */
  readonly seen?: Seen;
  /** The ConfigMaps that the KbsConfig names. @default the operator's own */
  readonly names?: ConfigMapNames;
  /** The resource policy's ConfigMap; absent if there is none. */
  readonly policy?: ConfigMapFacts;
  /** What is known of the policy's stacks beside it. @default nothing */
  readonly behind?: Behind;
  /** The kinds of the owners of Red Hat's Route; absent if there is none, or where it does not matter. */
  readonly routeOwners?: readonly string[];
  /** The reference values' ConfigMap; absent if there is none. */
  readonly referenceValues?: ConfigMapFacts;
  /** The ConfigMap of the attestation policy for CPUs; absent if there is none, or this account must not read it. */
  readonly attestationPolicy?: ConfigMapFacts;
  /** Every Secret that the KbsConfig lists, and those that were asked for. */
  readonly secrets: readonly SecretFacts[];
  /** The Deployment's own pods that have not ended. */
  readonly kbsPods: readonly ObservedPod[];
}

export interface ConfigMapFacts {
  readonly name: string;
  /** @default none */
  readonly annotations?: Readonly<Record<string, string>>;
  readonly data: Readonly<Record<string, string>>;
  readonly changedAt: number;
  readonly resourceVersion: string;
}

export interface SecretFacts {
  readonly name: string;
  readonly exists: boolean;
  /** When it was last written; absent if it does not exist. */
  readonly changedAt?: number;
  readonly resourceVersion?: string;
  /** The names of its keys, as managedFields show them; absent if they do not. */
  readonly keys?: readonly string[];
}

export interface PodFacts {
  readonly namespace: string;
  readonly name: string;
  readonly createdAt: number;
  /** status.phase, e.g. `Running`. */
  readonly phase: string;
  readonly ready: boolean;
  /** status.podIP: what the KBS's log has as the client without a proxy between. */
  readonly address?: string;
  /** The value of the initdata annotation; absent: the pod has none. */
  readonly annotation?: string;
  /** The names of annotations that were meant to be that one, as it seems. @default none */
  readonly strayAnnotations?: readonly string[];
  /** Who last wrote the initdata annotation, and when that writer last wrote anything of the pod. */
  readonly annotated?: { readonly at: number; readonly by: string };
  /** The annotation that asks for an instance size, which says which TEE it has. */
  readonly machineType?: string;
  readonly runtimeClass?: string;
}

/** Initdata that a cluster gives to every peer pod that has none of its own; `problem`: why it could not be looked for. */
export type GlobalInitdata =
  { readonly namespace: string; readonly name: string; readonly key: string } | { readonly problem: string };

/** `failed`: no answer, upon which Trustee's engine denies. */
export type PolicyAnswer = boolean | { readonly failed: "policy" | "evaluation"; readonly message: string };

/** What the policy is read as: v0 up to KBS v0.16, v1 from v0.17 on. */
export type RegoSyntax = "v0" | "v1";

/** Question (its JSON, see {@link ./questions.ts}) -> answer; or why there are none. */
export type PolicyAnswers =
  | { readonly kind: "answers"; readonly byQuestion: ReadonlyMap<string, PolicyAnswer> }
  | { readonly kind: "none"; readonly reason: string };
