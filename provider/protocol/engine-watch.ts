import { connectivityState } from "@grpc/grpc-js";
import { fstatSync } from "node:fs";
import process from "node:process";
import type { EngineLog } from "./engine-log.ts";

/** How often the parent process is looked for, in milliseconds. */
const parentInterval = 1_000;

/**
 * Calls back once when the engine that started this process is gone, also when it was killed: its end of our
 * standard input closes, or we get another parent, or its server no longer answers. None of the three alone is enough:
 * a language host may stand between the engine and us, and give us /dev/null as input.
 */
export function watchEngine(log: EngineLog, gone: (how: string) => void): void {
  let told = false;
  const once = (how: string) => {
    if (told) return;
    told = true;
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

/** A connection that was there and cannot be made again means that the engine is gone. */
function watchChannel(log: EngineLog, gone: (how: string) => void): void {
  const channel = log.client?.getChannel();
  if (channel === undefined) return;
  let connected = false;
  const look = () => {
    const state = channel.getConnectivityState(true);
    if (state === connectivityState.SHUTDOWN) return;
    if (state === connectivityState.READY) connected = true;
    if (state === connectivityState.TRANSIENT_FAILURE && connected) {
      gone("the engine no longer answers");
      return;
    }
    channel.watchConnectivityState(state, Number.POSITIVE_INFINITY, look);
  };
  look();
}
