import type { Log } from "./engine-log.ts";
import type { PropertyMap } from "./property-value.ts";

/** The context of a call. */
export interface CallContext {
  /**
   * Aborted when the call is no longer wanted: the user cancelled the update, the resource's timeout has
   * passed, or the engine is gone. The reason is the error to reject with. The result is still awaited: an
   * implementation stops at a safe point and reports what it has done.
   */
  readonly signal: AbortSignal;
  /** Messages about the resource of this call. */
  readonly log: Log;
}

/** The resource (or, for the configuration, the provider instance) that a call is about. */
export interface ResourceIdentity {
  readonly urn: string;
  readonly name: string;
  /** The type token, `package:module:Type`. */
  readonly type: string;
}

export interface ConfigureRequest {
  /**
   * The configuration as the engine sends it. SDKs may encode values other than strings as strings of JSON.
   */
  readonly args: PropertyMap;
}

export interface CheckRequest extends ResourceIdentity {
  /** The inputs in the state; empty for a new resource. */
  readonly oldInputs: PropertyMap;
  readonly newInputs: PropertyMap;
}

export interface CheckFailure {
  /** The property's path; empty for the resource as a whole. */
  readonly property: string;
  readonly reason: string;
}

export interface CheckResponse {
  /** The inputs with defaults filled in. All later calls get these. */
  readonly inputs: PropertyMap;
  readonly failures?: readonly CheckFailure[];
}

export interface DiffRequest extends ResourceIdentity {
  readonly id: string;
  readonly oldInputs: PropertyMap;
  readonly oldOutputs: PropertyMap;
  readonly newInputs: PropertyMap;
}

export type DiffKind = "add" | "add-replace" | "delete" | "delete-replace" | "update" | "update-replace";

/** The changes of the inputs, by property path. */
export type DetailedDiff = Readonly<Record<string, DiffKind>>;

export interface DiffResponse {
  /** Empty if nothing changes. A kind that ends in `-replace` replaces the resource. */
  readonly detailedDiff: DetailedDiff;
}

/**
 * Whether the engine refreshes the resource before it plans a change, so that a plain preview shows drift.
 */
export interface RefreshBeforeUpdate {
  readonly refreshBeforeUpdate?: boolean;
}

export interface CreateRequest extends ResourceIdentity {
  /** What Check returned. May hold unknowns only in a preview. */
  readonly inputs: PropertyMap;
  /** In seconds; 0 means the provider's default. The signal fires when it has passed. */
  readonly timeoutSeconds: number;
  /** True: compute the result, write nothing. */
  readonly preview: boolean;
}

export interface CreateResponse extends RefreshBeforeUpdate {
  /** May be empty in a preview, if it is not known yet. */
  readonly id: string;
  readonly outputs: PropertyMap;
}

export interface ReadRequest extends ResourceIdentity {
  readonly id: string;
  /** The inputs in the state; empty on import. */
  readonly inputs: PropertyMap;
  /** The outputs in the state; empty on import. */
  readonly outputs: PropertyMap;
  readonly timeoutSeconds: number;
}

export interface ReadResponse extends RefreshBeforeUpdate {
  readonly id: string;
  /** The inputs that match the live resource. The next diff compares the program's inputs with these. */
  readonly inputs: PropertyMap;
  readonly outputs: PropertyMap;
}

export interface UpdateRequest extends ResourceIdentity {
  readonly id: string;
  readonly oldInputs: PropertyMap;
  readonly oldOutputs: PropertyMap;
  readonly newInputs: PropertyMap;
  readonly timeoutSeconds: number;
  readonly preview: boolean;
}

export interface UpdateResponse extends RefreshBeforeUpdate {
  readonly outputs: PropertyMap;
}

export interface DeleteRequest extends ResourceIdentity {
  readonly id: string;
  readonly oldInputs: PropertyMap;
  readonly outputs: PropertyMap;
  readonly timeoutSeconds: number;
}

export interface InvokeRequest {
  /** The function's token, `package:module:function`. */
  readonly token: string;
  readonly args: PropertyMap;
}

export interface InvokeResponse {
  readonly result: PropertyMap;
}

/**
 * A resource provider. All functions may reject with any error; its message is shown to the user. The classes
 * in errors.ts add a code and details.
 */
export interface Provider {
  /** Default: the configuration as it is. */
  checkConfig?(request: CheckRequest, context: CallContext): Promise<CheckResponse>;
  /** Default: every change is an update, none replaces the provider. */
  diffConfig?(request: DiffRequest, context: CallContext): Promise<DiffResponse>;
  /** Called once, before all later calls, unless the configuration is partly unknown in a preview. */
  configure(request: ConfigureRequest, context: CallContext): Promise<void>;
  check(request: CheckRequest, context: CallContext): Promise<CheckResponse>;
  diff(request: DiffRequest, context: CallContext): Promise<DiffResponse>;
  create(request: CreateRequest, context: CallContext): Promise<CreateResponse>;
  /** Undefined: the resource is gone. */
  read(request: ReadRequest, context: CallContext): Promise<ReadResponse | undefined>;
  update(request: UpdateRequest, context: CallContext): Promise<UpdateResponse>;
  delete(request: DeleteRequest, context: CallContext): Promise<void>;
  /** Default: there are no functions. */
  invoke?(request: InvokeRequest, context: CallContext): Promise<InvokeResponse>;
}
