/**
 * Turns SIGINT, SIGTERM and SIGHUP into an abort signal. They no longer end the process: the caller cleans up
 * and exits. The exit code is set to the one that a shell expects.
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
