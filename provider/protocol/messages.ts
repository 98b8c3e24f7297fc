/** Converts between the protocol's messages and the plain objects of provider.ts. */
import providerpb from "@pulumi/pulumi/proto/provider_pb.js";
import type {
  CheckFailure,
  CheckRequest,
  CheckResponse,
  CreateRequest,
  DeleteRequest,
  DiffKind,
  DiffRequest,
  DiffResponse,
  ReadRequest,
  ReadResponse,
  ResourceIdentity,
  UpdateRequest,
} from "./provider.ts";
import { decodeMap, encodeMap } from "./wire.ts";

const Kind = providerpb.PropertyDiff.Kind;

const kinds: Readonly<Record<DiffKind, providerpb.PropertyDiff.Kind>> = {
  add: Kind.ADD,
  "add-replace": Kind.ADD_REPLACE,
  delete: Kind.DELETE,
  "delete-replace": Kind.DELETE_REPLACE,
  update: Kind.UPDATE,
  "update-replace": Kind.UPDATE_REPLACE,
};

/** Engines before 3.134 send only the URN: `urn:pulumi:stack::project::parent$type::name`. */
function identity(request: { getUrn(): string; getName(): string; getType(): string }): ResourceIdentity {
  const urn = request.getUrn();
  const [, , qualifiedType = "", ...name] = urn.split("::");
  return {
    urn,
    name: request.getName() || name.join("::"),
    type: request.getType() || qualifiedType.slice(qualifiedType.lastIndexOf("$") + 1),
  };
}

export function checkRequest(message: providerpb.CheckRequest): CheckRequest {
  return {
    ...identity(message),
    oldInputs: decodeMap(message.getOlds()),
    newInputs: decodeMap(message.getNews()),
  };
}

function checkFailures(failures: readonly CheckFailure[] = []): providerpb.CheckFailure[] {
  return failures.map(({ property, reason }) => {
    const failure = new providerpb.CheckFailure();
    failure.setProperty(property);
    failure.setReason(reason);
    return failure;
  });
}

export function checkResponse({ inputs, failures }: CheckResponse): providerpb.CheckResponse {
  const message = new providerpb.CheckResponse();
  message.setInputs(encodeMap(inputs));
  message.setFailuresList(checkFailures(failures));
  return message;
}

export function diffRequest(message: providerpb.DiffRequest): DiffRequest {
  return {
    ...identity(message),
    id: message.getId(),
    oldInputs: decodeMap(message.getOldInputs()),
    oldOutputs: decodeMap(message.getOlds()),
    newInputs: decodeMap(message.getNews()),
  };
}

/** The first name in a property path: `metadata` of `metadata.annotations["a.b"]`. */
function topLevel(path: string): string {
  const quoted = /^\["((?:[^"\\]|\\.)*)"\]/.exec(path)?.[1];
  return quoted?.replaceAll(/\\(.)/g, "$1") ?? /^[^.[]*/.exec(path)?.[0] ?? path;
}

export function diffResponse(response: DiffResponse): providerpb.DiffResponse {
  const message = new providerpb.DiffResponse();
  const paths = Object.entries(response.detailedDiff);
  const replaced = paths.filter(([, kind]) => kind.endsWith("-replace"));
  const { DIFF_NONE, DIFF_SOME } = providerpb.DiffResponse.DiffChanges;
  message.setChanges(paths.length > 0 ? DIFF_SOME : DIFF_NONE);
  message.setDiffsList([...new Set(paths.map(([path]) => topLevel(path)))]);
  message.setReplacesList([...new Set(replaced.map(([path]) => topLevel(path)))]);
  message.setHasdetaileddiff(true);
  for (const [path, kind] of paths) {
    const diff = new providerpb.PropertyDiff();
    diff.setKind(kinds[kind]);
    diff.setInputdiff(true);
    message.getDetaileddiffMap().set(path, diff);
  }
  return message;
}

export function createRequest(message: providerpb.CreateRequest): CreateRequest {
  return {
    ...identity(message),
    inputs: decodeMap(message.getProperties()),
    timeoutSeconds: message.getTimeout(),
    preview: message.getPreview(),
  };
}

export function readRequest(message: providerpb.ReadRequest): ReadRequest {
  return {
    ...identity(message),
    id: message.getId(),
    inputs: decodeMap(message.getInputs()),
    outputs: decodeMap(message.getProperties()),
    timeoutSeconds: message.getTimeout(),
  };
}

/** An empty ID reports that the resource is gone. */
export function readResponse(response: ReadResponse | undefined): providerpb.ReadResponse {
  const message = new providerpb.ReadResponse();
  if (response === undefined) return message;
  message.setId(response.id);
  message.setInputs(encodeMap(response.inputs));
  message.setProperties(encodeMap(response.outputs));
  message.setRefreshBeforeUpdate(response.refreshBeforeUpdate ?? false);
  return message;
}

export function updateRequest(message: providerpb.UpdateRequest): UpdateRequest {
  return {
    ...identity(message),
    id: message.getId(),
    oldInputs: decodeMap(message.getOldInputs()),
    oldOutputs: decodeMap(message.getOlds()),
    newInputs: decodeMap(message.getNews()),
    timeoutSeconds: message.getTimeout(),
    preview: message.getPreview(),
  };
}

export function deleteRequest(message: providerpb.DeleteRequest): DeleteRequest {
  return {
    ...identity(message),
    id: message.getId(),
    oldInputs: decodeMap(message.getOldInputs()),
    outputs: decodeMap(message.getProperties()),
    timeoutSeconds: message.getTimeout(),
  };
}
