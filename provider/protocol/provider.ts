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
interface ResourceIdentity {
  readonly urn: string;
  /** The type token, `package:module:Type`. */
  readonly type: string;
}

/** For Check and Diff. */
export interface InputsRequest extends ResourceIdentity {
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

export type DiffKind = "add" | "add-replace" | "delete" | "delete-replace" | "update" | "update-replace";

/**
 * The changes of the inputs, by property path; empty if nothing changes. A kind that ends in `-replace`
 * replaces the resource.
 */
export type DetailedDiff = Readonly<Record<string, DiffKind>>;

export interface CreateRequest extends ResourceIdentity {
  /** What Check returned. May hold unknowns only in a preview. */
  readonly inputs: PropertyMap;
  /** True: compute the result, write nothing. */
  readonly preview: boolean;
}

export interface UpdateRequest extends ResourceIdentity {
  readonly oldOutputs: PropertyMap;
  readonly newInputs: PropertyMap;
  readonly preview: boolean;
}

export interface UpdateResponse {
  readonly outputs: PropertyMap;
  /** Whether the engine refreshes the resource before an update: a plain preview shows drift. */
  readonly refreshBeforeUpdate: boolean;
}

export interface CreateResponse extends UpdateResponse {
  /** May be empty in a preview, if it is not known yet. */
  readonly id: string;
}

export interface ReadRequest extends ResourceIdentity {
  readonly id: string;
  /** The inputs in the state; empty on import. */
  readonly inputs: PropertyMap;
  /** The outputs in the state; empty on import. */
  readonly outputs: PropertyMap;
}

export interface ReadResponse extends CreateResponse {
  /** The inputs that match the live resource. The next diff compares the program's inputs with these. */
  readonly inputs: PropertyMap;
}

export interface DeleteRequest extends ResourceIdentity {
  readonly outputs: PropertyMap;
}

export interface InvokeRequest {
  /** The function's token, `package:module:function`. */
  readonly token: string;
  readonly args: PropertyMap;
}

/**
 * A resource provider. All functions may reject with any error; its message is shown to the user. The classes
 * in errors.ts add a code and details.
 */
export interface Provider {
  checkConfig(request: InputsRequest, context: CallContext): Promise<CheckResponse>;
  diffConfig(request: InputsRequest, context: CallContext): Promise<DetailedDiff>;
  /**
   * Called once, before all later calls, unless the configuration is partly unknown in a preview.
   * @param args as the engine sends them. SDKs may encode values other than strings as strings of JSON.
   */
  configure(args: PropertyMap, context: CallContext): Promise<void>;
  check(request: InputsRequest, context: CallContext): Promise<CheckResponse>;
  diff(request: InputsRequest, context: CallContext): Promise<DetailedDiff>;
  create(request: CreateRequest, context: CallContext): Promise<CreateResponse>;
  /** Undefined: the resource is gone. */
  read(request: ReadRequest, context: CallContext): Promise<ReadResponse | undefined>;
  update(request: UpdateRequest, context: CallContext): Promise<UpdateResponse>;
  delete(request: DeleteRequest, context: CallContext): Promise<void>;
  /** The result of a function. */
  invoke(request: InvokeRequest, context: CallContext): Promise<PropertyMap>;
}
