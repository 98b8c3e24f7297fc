import { connectivityState } from "@grpc/grpc-js";
import { fstatSync } from "node:fs";
import process from "node:process";
import type { EngineLog } from "./engine-log.ts";

/** Poll interval for the parent process, in milliseconds. */
const parentInterval = 1_000;

/**
 * Calls back once when the engine that started this process is gone, even if it was killed:
 * - standard input closes
 * - the parent process changes
 * - the engine's server no longer answers
 * None of these is enough: a language host may be between the engine and this process, and pass /dev/null as
 * input.
 */
export function watchEngine(log: EngineLog, gone: (how: string) => void): void {
  let isGone = false;
  const once = (how: string) => {
    if (isGone) return;
    isGone = true;
    gone(how);
  };
  watchParent(once);
  watchInput(once);
  watchChannel(log, once);
}

function watchParent(gone: (how: string) => void): void {
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) gone("its parent process has ended");
  }, parentInterval).unref();
}

function watchInput(gone: (how: string) => void): void {
  const input = fstatSync(0);
  if (!input.isFIFO() && !input.isSocket()) return;
  const closed = () => {
    gone("its standard input was closed");
  };
  process.stdin.on("end", closed).on("close", closed).on("error", closed).resume();
}

/** A connection that was open and cannot be made again means that the engine is gone. */
function watchChannel(log: EngineLog, gone: (how: string) => void): void {
  const channel = log.client?.getChannel();
  if (channel === undefined) return;
  let connected = false;
  const check = () => {
    const state = channel.getConnectivityState(true);
    if (state === connectivityState.SHUTDOWN) return;
    if (state === connectivityState.READY) connected = true;
    if (state === connectivityState.TRANSIENT_FAILURE && connected) {
      gone("the engine no longer answers");
      return;
    }
    channel.watchConnectivityState(state, Number.POSITIVE_INFINITY, check);
  };
  check();
}
