import { setTimeout as sleep } from "node:timers/promises";
import { messageOf, type CallContext, type JsonObject } from "../../protocol/index.ts";
import type { Cluster } from "./cluster.ts";
import {
  annotation,
  annotations,
  describe,
  hasAnnotation,
  textsAt,
  refOf,
  textAt,
  type ObjectRef,
} from "./object.ts";
import { readiness } from "./readiness.ts";

/** How often a waiting look is taken, in milliseconds. */
const interval = 200;

/** As long as the real plugin waits, in seconds. */
const defaultTimeout = 600;

/** The object is there, but it did not become what it is there for. */
export class NotReadyError extends Error {
  /** The object as it was seen last. */
  readonly live: JsonObject;
  readonly reasons: readonly string[];

  constructor(live: JsonObject, reasons: readonly string[]) {
    super(reasons.join("\n"));
    this.name = "NotReadyError";
    this.live = live;
    this.reasons = reasons;
  }
}

/** A signal that also fires when waiting has taken too long. */
function limited(object: JsonObject, timeoutSeconds: number, { signal }: CallContext): AbortSignal {
  // A timeout of the resource itself is in the signal already.
  if (timeoutSeconds > 0) return signal;
  const annotated = Number.parseInt(annotation(object, annotations.timeoutSeconds), 10);
  const seconds = annotated > 0 ? annotated : defaultTimeout;
  return AbortSignal.any([signal, AbortSignal.timeout(seconds * 1000)]);
}

function whyAborted(signal: AbortSignal): string {
  if (!(signal.reason instanceof DOMException)) return messageOf(signal.reason);
  return `timed out; the annotation ${annotations.timeoutSeconds} or the resource option customTimeouts can give it more time`;
}

/**
 * Waits until an applied object is ready.
 * @throws NotReadyError when time is up, the update is cancelled, or the object is gone
 */
export async function awaitReady(
  cluster: Cluster,
  applied: JsonObject,
  timeoutSeconds: number,
  context: CallContext,
): Promise<JsonObject> {
  if (hasAnnotation(applied, annotations.skipAwait)) return applied;
  const signal = limited(applied, timeoutSeconds, context);
  const ref = refOf(applied);
  let live = applied;
  let said = "";
  for (;;) {
    const { ready, messages } = readiness(live);
    if (ready) {
      if (said !== "") context.log.status("");
      return live;
    }
    const status = messages.join("; ");
    if (status !== said) context.log.status(status);
    said = status;
    const now = await later(cluster, ref, signal);
    if (now === "stopped") {
      throw new NotReadyError(live, [`${describe(ref)} is not ready: ${whyAborted(signal)}`, ...messages]);
    }
    if (now === undefined || isOther(now, applied)) {
      throw new NotReadyError(live, [`${describe(ref)} was deleted by somebody else while it was awaited`]);
    }
    live = now;
  }
}

/** Waits until an object is gone, or another one has its name. */
export async function awaitGone(
  cluster: Cluster,
  ref: ObjectRef,
  deleted: JsonObject,
  timeoutSeconds: number,
  context: CallContext,
): Promise<void> {
  const signal = limited(deleted, timeoutSeconds, context);
  let live = deleted;
  let said = false;
  for (;;) {
    const now: Look = await later(cluster, ref, signal, said ? interval : 0);
    if (now === "stopped") {
      const finalizers = finalizersOf(live);
      const holders = finalizers === "" ? "" : `; these finalizers hold it: ${finalizers}`;
      throw new Error(
        `${describe(ref)} is being deleted, but is still there: ${whyAborted(signal)}${holders}`,
      );
    }
    if (now === undefined || isOther(now, deleted)) {
      if (said) context.log.status("");
      return;
    }
    live = now;
    const finalizers = finalizersOf(live);
    if (!said) {
      context.log.status(
        finalizers === "" ? "waiting until it is gone" : `waiting for finalizers: ${finalizers}`,
      );
    }
    said = true;
  }
}

const finalizersOf = (object: JsonObject): string => textsAt(object, "metadata", "finalizers").join(", ");

/** The object, undefined if there is none, or that the signal fired. */
type Look = JsonObject | undefined | "stopped";

async function later(cluster: Cluster, ref: ObjectRef, signal: AbortSignal, wait = interval): Promise<Look> {
  try {
    await sleep(wait, undefined, { signal });
    return await cluster.get(ref, signal);
  } catch (error) {
    if (signal.aborted) return "stopped";
    throw error;
  }
}

function isOther(left: JsonObject, right: JsonObject): boolean {
  const [a, b] = [left, right].map((object) => textAt(object, "metadata", "uid"));
  return a !== "" && b !== "" && a !== b;
}
