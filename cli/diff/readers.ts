import type { CellChange } from "../../core/access/changes.ts";
import { otherReaderName, otherReaderPath, type OtherReader } from "../../core/access/other-readers.ts";
import { widerInitdata } from "./agent-text.ts";
import type { AccessOutputs } from "./preview.ts";
import { changedFiles } from "../../core/initdata/annotated-policy.ts";
import { own } from "../../core/records.ts";

/** Whether the stack deploys the pod before and after: then it is the same pod with new initdata. */
function staysDeployed(before: AccessOutputs, after: AccessOutputs, reader: string): boolean {
  return [before, after].every(({ pods }) => own(pods, reader)?.deployed === true);
}

/** Readers whose claim changes. */
function changedClaims(before: AccessOutputs, after: AccessOutputs): readonly string[] {
  return Object.entries(after.initData).flatMap(([reader, claim]) => {
    const previous = own(before.initData, reader);
    return previous === undefined || previous === claim ? [] : [reader];
  });
}

/** A new claim of a reader that is deployed elsewhere is a new pod, to which its grants open. */
function swappedReaders(before: AccessOutputs, after: AccessOutputs): readonly CellChange[] {
  return changedClaims(before, after)
    .filter((reader) => !staysDeployed(before, after, reader))
    .flatMap((reader) =>
      Object.entries(own(after.access, reader) ?? {})
        .filter(
          ([path, why]) => why === "granted" && own(own(before.access, reader) ?? {}, path) === "granted",
        )
        .map(([path]) => ({
          effect: "opens",
          pod: reader,
          path,
          before: "granted to other initdata",
          after: "granted",
        })),
    );
}

/** Readers by other stacks' grants that are new since the stack's last deployment. */
function newOtherReaders(
  before: readonly OtherReader[],
  after: readonly OtherReader[],
): readonly CellChange[] {
  // A reader without hardware counts as another one. Older outputs do not have other bindings.
  const identity = ({ secret, key, initData, binding }: OtherReader): string =>
    JSON.stringify([secret, key, initData, binding === "sample"]);
  const known = new Set(before.map(identity));
  return after
    .filter((one) => !known.has(identity(one)))
    .map((other) => ({
      effect: "opens",
      pod: otherReaderName(other),
      path: otherReaderPath(other),
      before: "not granted when this stack was last deployed",
      after: "granted by that stack",
    }));
}

/**
 * Access that opens without a change in the matrix:
 * - to a new claim of a reader that is deployed elsewhere;
 * - by other stacks' grants.
 * @param before absent: nothing was deployed
 */
export function diffReaders(before: AccessOutputs | undefined, after: AccessOutputs): readonly CellChange[] {
  return [
    ...(before === undefined ? [] : swappedReaders(before, after)),
    ...newOtherReaders(before?.otherReaders ?? [], after.otherReaders),
  ];
}

/** A deployed pod with new initdata. No secret opens to it, but its host may get more rights on it. */
export interface InitdataChange {
  readonly pod: string;
  /** The files in it that change, for example `cdh.toml`. Empty: none, or the outputs have no initdata. */
  readonly files: readonly string[];
  /** What its agent policy newly allows, for example `exec "curl -s http://..."`. */
  readonly wider: readonly string[];
}

type Agent = AccessOutputs["pods"][string]["agentPolicy"];

function widerDeclared(before: NonNullable<Agent>, after: NonNullable<Agent>): readonly string[] {
  const commands = after.allowedCommands.filter((command) => !before.allowedCommands.includes(command));
  const requests = Object.entries(after.requests).filter(
    ([request, allowed]) => allowed && own(before.requests, request) !== true,
  );
  return [
    ...commands.map((command) => `exec ${JSON.stringify(command)}`),
    ...(after.logs && !before.logs ? ["reading the logs"] : []),
    ...requests.map(([request]) => request),
  ];
}

function widerAgent(before: AccessOutputs, after: AccessOutputs, pod: string): readonly string[] {
  const [was, will] = [before, after].map(({ pods }) => own(pods, pod)?.agentPolicy);
  if (was !== undefined && will !== undefined) return widerDeclared(was, will);
  return widerInitdata(own(before.annotations, pod), own(after.annotations, pod));
}

function filesIn(before: AccessOutputs, after: AccessOutputs, pod: string): readonly string[] {
  const [was, will] = [own(before.annotations, pod), own(after.annotations, pod)];
  if (was === undefined || will === undefined) return [];
  try {
    return changedFiles(was, will);
  } catch {
    return [];
  }
}

/** The stack's deployed pods whose initdata changes. */
export function initdataChanges(
  before: AccessOutputs | undefined,
  after: AccessOutputs,
): readonly InitdataChange[] {
  if (before === undefined) return [];
  return changedClaims(before, after)
    .filter((pod) => staysDeployed(before, after, pod))
    .map((pod) => ({ pod, files: filesIn(before, after, pod), wider: widerAgent(before, after, pod) }));
}
