import type { z } from "zod";
import type { Clock } from "../kube/clock.ts";
import type { KubeClient } from "../kube/client.ts";
import type { Turns } from "../kube/turns.ts";
import type { Log, PropertyMap } from "./protocol/index.ts";
import type { Written } from "./written.ts";

/** What an operation on one resource works with. */
export interface Operation {
  readonly kube: KubeClient;
  /** A client that outlives the operation's own signal: to find out why it failed. */
  readonly kubeWith: (signal: AbortSignal) => KubeClient;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** True: say what would come out, write nothing. */
  readonly preview: boolean;
  /** Who this resource is to our other resources on the same object: {@link ../core/policy/owner.ts}. */
  readonly owner: string;
  /** Whether an owner in a ledger is this resource by a previous name, or one that it takes over. */
  readonly wasOwner: (owner: string) => boolean;
  /** Whether what another stack of the same name has left is taken over. */
  readonly takeOver: boolean;
  readonly clock: Clock;
  /** What all operations of this run have written. */
  readonly written: Written;
  /**
   * One writer at a time for each object. The engine works on many resources at once, and all secrets of a stack are entries
   * of one KbsConfig: without turns they would conflict with one another, until some of them had used up their tries.
   */
  readonly turns: Turns;
}

/** The value of the input `drift` that every program wants. */
export const NO_DRIFT = "none";

/** What Read found of a resource that is still there. */
export interface Found {
  readonly computed: PropertyMap;
  /** What of the resource is not as it was left, in words for a preview; {@link NO_DRIFT} if nothing. */
  readonly drift: string;
}

/**
 * One kind of resource in terms of plain, validated values; {@link ./handler.ts} translates from and to the protocol.
 * `Computed` are the outputs beyond the inputs, as the state holds them; what a function returns of them may be unknown
 * in a preview.
 */
export interface ResourceType<Inputs extends object, Computed extends object> {
  readonly inputs: z.ZodObject & z.ZodType<Inputs>;
  readonly computed: z.ZodObject & z.ZodType<Computed>;
  /** Inputs of which a change needs a new resource. */
  readonly replaceOn: readonly (keyof Inputs & string)[];
  /** Computed outputs that hold what inputs said: secret where one of these is. */
  readonly derived: readonly (keyof Computed & string)[];
  /** Whether Read can find drift; then every resource has an input `drift`, wanted to be {@link NO_DRIFT}. */
  readonly drifts: boolean;
  readonly id: (inputs: Inputs) => string;
  readonly create: (inputs: Inputs, operation: Operation) => Promise<PropertyMap>;
  /** Undefined: gone. */
  readonly read: (inputs: Inputs, computed: Computed, operation: Operation) => Promise<Found | undefined>;
  readonly update: (
    inputs: Inputs,
    old: {
      readonly inputs: Inputs;
      readonly computed: Computed;
      /** What Read found last. */
      readonly drift: string;
    },
    operation: Operation,
  ) => Promise<PropertyMap>;
  readonly delete: (inputs: Inputs, computed: Computed, operation: Operation) => Promise<void>;
}
