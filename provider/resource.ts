import type { z } from "zod";
import type { Clock } from "../kube/retry.ts";
import type { KubeClient } from "../kube/client.ts";
import type { Turns } from "../kube/turns.ts";
import type { Log, PropertyMap } from "./protocol/index.ts";
import type { Written } from "./places.ts";

/** The context of an operation on one resource. */
export interface Operation {
  readonly kube: KubeClient;
  /** A client that still works after the operation's signal has fired, to find out why it failed. */
  readonly kubeWith: (signal: AbortSignal) => KubeClient;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** True: compute the result, write nothing. */
  readonly preview: boolean;
  /** Identifies this resource among ours on the same object: {@link ../core/policy/owner.ts}. */
  readonly owner: string;
  /** Whether a ledger's owner is this resource under a previous name, or one that it takes over. */
  readonly wasOwner: (owner: string) => boolean;
  /** Whether this stack takes over what another stack of the same name has left. */
  readonly takeOver: boolean;
  readonly clock: Clock;
  /** What all operations of this run have written. */
  readonly written: Written;
  /**
   * One writer at a time per object. The engine works on many resources at once, and all secrets of a stack
   * are entries of one KbsConfig: without turns they would conflict until some run out of tries.
   */
  readonly turns: Turns;
}

/** The value of the input `drift` in every program. */
export const NO_DRIFT = "none";

/** What the state holds of a resource. */
export interface Old<Inputs, Computed> {
  readonly inputs: Inputs;
  readonly computed: Computed;
}

/** The result of Read for a resource that exists. */
export interface Found {
  readonly computed: PropertyMap;
  /** The drift, in words for a preview; {@link NO_DRIFT} if there is none. */
  readonly drift: string;
}

/**
 * One kind of resource in plain, validated values; {@link ./handler.ts} translates from and to the protocol.
 * `Computed` are the outputs in the state beyond the inputs. In a preview, a function may return unknowns for
 * them.
 */
export interface ResourceType<Inputs extends object, Computed extends object> {
  readonly inputs: z.ZodObject & z.ZodType<Inputs>;
  readonly computed: z.ZodObject & z.ZodType<Computed>;
  /** Inputs whose change replaces the resource. */
  readonly replaceOn: readonly (keyof Inputs & string)[];
  /** Computed outputs that contain inputs: secret if any input is. */
  readonly derived: readonly (keyof Computed & string)[];
  /** Whether Read can find drift. Then there is an input `drift`, wanted as {@link NO_DRIFT}. */
  readonly drifts: boolean;
  readonly id: (inputs: Inputs) => string;
  readonly create: (inputs: Inputs, operation: Operation) => Promise<PropertyMap>;
  /** Undefined: the resource is gone. */
  readonly read: (inputs: Inputs, computed: Computed, operation: Operation) => Promise<Found | undefined>;
  readonly update: (
    inputs: Inputs,
    /** `drift`: what Read found last. */
    old: Old<Inputs, Computed> & { readonly drift: string },
    operation: Operation,
  ) => Promise<PropertyMap>;
  readonly delete: (inputs: Inputs, computed: Computed, operation: Operation) => Promise<void>;
}
