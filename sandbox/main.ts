/** Entry point of `npm run sandbox`. Reports missing dependencies, then runs the commands. */
function missingPackage(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return code === "ERR_MODULE_NOT_FOUND" && error instanceof Error && error.message.includes("find package");
}

try {
  await import("./commands.ts");
} catch (error) {
  if (!missingPackage(error)) throw error;
  console.error("The dependencies of this project are not installed. Install them: node scripts/install.mjs");
  process.exitCode = 1;
}

export {};
