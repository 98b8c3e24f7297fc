import type { Json, JsonObject } from "../../protocol/index.ts";
import { at, listAt, numberAt, refOf, textAt } from "./object.ts";

/** Whether an object does what it is there for, and if not, what it is waiting for or what is wrong. */
export interface Readiness {
  readonly ready: boolean;
  readonly messages: readonly string[];
}

const ready: Readiness = { ready: true, messages: [] };

function condition(object: JsonObject, type: string): Json | undefined {
  return listAt(object, "status", "conditions").find((each) => textAt(each, "type") === type);
}

function pod(object: JsonObject): Readiness {
  const phase = textAt(object, "status", "phase");
  if (phase === "Succeeded" && textAt(object, "spec", "restartPolicy") !== "Always") return ready;
  if (phase === "Running" && textAt(condition(object, "Ready"), "status") === "True") return ready;
  const unscheduled = condition(object, "PodScheduled");
  const containers = [
    ...listAt(object, "status", "initContainerStatuses"),
    ...listAt(object, "status", "containerStatuses"),
  ];
  const messages = [
    ...(textAt(unscheduled, "status") === "False"
      ? [`not scheduled: ${textAt(unscheduled, "message")}`]
      : []),
    ...containers.flatMap((status) => containerTrouble(status)),
  ];
  if (messages.length > 0) return { ready: false, messages };
  return {
    ready: false,
    messages: [phase === "Running" ? "containers are not ready yet" : `phase ${phase || "unknown"}`],
  };
}

/** What keeps a container from running: the image cannot be pulled, it crashes, a Secret that it mounts is missing. */
function containerTrouble(status: Json): readonly string[] {
  const name = textAt(status, "name");
  const detail = (state: Json | undefined): string => {
    const message = textAt(state, "message");
    return message === "" ? "" : `: ${message}`;
  };
  const waiting = at(status, "state", "waiting");
  if (waiting !== undefined) return [`container ${name}: ${textAt(waiting, "reason")}${detail(waiting)}`];
  const ended = at(status, "state", "terminated");
  const code = numberAt(ended, "exitCode") ?? 0;
  return code === 0 ? [] : [`container ${name}: exited with code ${code}${detail(ended)}`];
}

function isObserved(object: JsonObject): boolean {
  return (
    (numberAt(object, "status", "observedGeneration") ?? 0) >=
    (numberAt(object, "metadata", "generation") ?? 0)
  );
}

/** A Deployment or StatefulSet: all replicas are of the current template and serve. */
function replicas(available: "availableReplicas" | "readyReplicas"): (object: JsonObject) => Readiness {
  return (object) => {
    const wanted = numberAt(object, "spec", "replicas") ?? 1;
    const count = (field: string) => numberAt(object, "status", field) ?? 0;
    const [updated, serving, all] = [count("updatedReplicas"), count(available), count("replicas")];
    if (isObserved(object) && updated === wanted && serving === wanted && all === wanted) return ready;
    const trouble = ["Progressing", "Available", "ReplicaFailure"]
      .map((type) => condition(object, type))
      .filter(
        (each) => textAt(each, "status") === (textAt(each, "type") === "ReplicaFailure" ? "True" : "False"),
      )
      .map((each) => `${textAt(each, "reason")}: ${textAt(each, "message")}`);
    return {
      ready: false,
      messages: [`${serving} of ${wanted} replicas are ready, ${updated} are updated`, ...trouble],
    };
  };
}

function daemonSet(object: JsonObject): Readiness {
  const count = (field: string) => numberAt(object, "status", field) ?? 0;
  const wanted = count("desiredNumberScheduled");
  if (isObserved(object) && count("updatedNumberScheduled") === wanted && count("numberReady") === wanted)
    return ready;
  return { ready: false, messages: [`${count("numberReady")} of ${wanted} pods are ready`] };
}

function job(object: JsonObject): Readiness {
  if (textAt(condition(object, "Complete"), "status") === "True") return ready;
  const failed = condition(object, "Failed");
  if (textAt(failed, "status") === "True")
    return { ready: false, messages: [`${textAt(failed, "reason")}: ${textAt(failed, "message")}`] };
  return { ready: false, messages: ["the job is not complete yet"] };
}

const checks: Readonly<Record<string, (object: JsonObject) => Readiness>> = {
  "v1 Pod": pod,
  "apps/v1 Deployment": replicas("availableReplicas"),
  "apps/v1 StatefulSet": replicas("readyReplicas"),
  "apps/v1 DaemonSet": daemonSet,
  "batch/v1 Job": job,
};

/** Kinds that are not waited for are ready at once. */
export function readiness(object: JsonObject): Readiness {
  const { apiVersion, kind } = refOf(object);
  return checks[`${apiVersion} ${kind}`]?.(object) ?? ready;
}
