import type { Binding } from "../../core/initdata/binding.ts";
import type { Behind } from "../../core/policy/vanished.ts";
import type { KbsPod } from "../../core/rollout/kbs-pods.ts";
import type { ConfigMapNames } from "../../core/trustee/generation.ts";
import type { Seen } from "../../core/trustee/seen.ts";

/**
 * What a command has read from the clusters. `lint` and `explain` judge by nothing else. Times are whole seconds
 * since 1970, by the API server's clock. No field has a secret's content.
 */
export interface LiveFacts {
  readonly trustee: TrusteeFacts;
  /** Pods with initdata that have not ended; `undefined`: the pods were not read. */
  readonly pods: readonly PodFacts[] | undefined;
  /** The namespaces whose pods were read; absent: all namespaces. */
  readonly namespaces?: readonly string[] | undefined;
  /** What the live policy answered in a real Rego engine. */
  readonly answers: PolicyAnswers;
  /** What a stack says; absent: no stack was named. */
  readonly stack?: StackFacts | undefined;
}

/** What a stack knows and the cluster does not show. */
export interface StackFacts {
  /** Pod or reader -> its claim `init_data`: lower-case hex; for `sample`, base64. */
  readonly claims: Readonly<Record<string, string>>;
  /** Pod -> its binding, if known. */
  readonly bindings: Readonly<Record<string, Binding>>;
  /** The names of the reference values that it writes. */
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
  /** How the KBS reads its files, as far as the cluster shows it. @default unknown */
  readonly seen?: Seen;
  /** The ConfigMaps that the KbsConfig names. @default the operator's own */
  readonly names?: ConfigMapNames;
  /** The resource policy's ConfigMap; absent if there is none. */
  readonly policy?: ConfigMapFacts;
  /** What is known about the stacks apart from the policy. @default nothing */
  readonly behind?: Behind;
  /** The kinds of the owners of Red Hat's Route; absent if there is none, or if it does not matter. */
  readonly routeOwners?: readonly string[];
  /** The reference values' ConfigMap; absent if there is none. */
  readonly referenceValues?: ConfigMapFacts;
  /** The ConfigMap of the attestation policy for CPUs; absent if there is none, or this account must not read it. */
  readonly attestationPolicy?: ConfigMapFacts;
  /** The Secrets that the KbsConfig lists, and those that the command asked for. */
  readonly secrets: readonly SecretFacts[];
  /** The Deployment's own pods that have not ended. */
  readonly kbsPods: readonly KbsPod[];
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
  /** status.podIP. The KBS's log has it as the client, unless a proxy is in between. */
  readonly address?: string;
  /** The value of the initdata annotation; absent: the pod has none. */
  readonly annotation?: string;
  /** The names of annotations that look like misspellings of the initdata annotation. @default none */
  readonly strayAnnotations?: readonly string[];
  /** The last writer of the initdata annotation, and the time of that writer's last write to the pod. */
  readonly annotated?: { readonly at: number; readonly by: string };
  /** The value of the annotation that asks for an instance size. The size implies the TEE. */
  readonly machineType?: string;
  readonly runtimeClass?: string;
}

/** Initdata that a cluster gives to every peer pod without its own; `problem`: why it could not be read. */
export type GlobalInitdata =
  { readonly namespace: string; readonly name: string; readonly key: string } | { readonly problem: string };

/** `failed`: no answer. Trustee's engine then denies. */
export type PolicyAnswer = boolean | { readonly failed: "policy" | "evaluation"; readonly message: string };

/** The Rego version of the policy's text: v0 up to KBS v0.16, v1 from v0.17 on. */
export type RegoSyntax = "v0" | "v1";

/** Question (its JSON, see {@link ./questions.ts}) -> answer; or why there are none. */
export type PolicyAnswers =
  | { readonly kind: "answers"; readonly byQuestion: ReadonlyMap<string, PolicyAnswer> }
  | { readonly kind: "none"; readonly reason: string };
