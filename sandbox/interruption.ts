/**
 * Listens for ctrl-C, the end of the session and a request to end. The process is not ended by these any more: whoever calls
 * this has to clean up and end once the signal is aborted. Its exit code is then the one that a shell expects.
 */
export function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const [signal, code] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGHUP", 129],
  ] as const) {
    process.on(signal, () => {
      process.exitCode ??= code;
      controller.abort(new Error(`interrupted by ${signal}`));
    });
  }
  return controller.signal;
}
