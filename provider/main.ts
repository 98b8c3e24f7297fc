import { enableCompileCache, flushCompileCache } from "node:module";
import { join } from "node:path";

// What Node made of all this code the last time: a third of what loading it costs. In the project's own folder, which nobody
// else can write to; where it cannot be written, everything is compiled anew.
enableCompileCache(join(import.meta.dirname, "..", "node_modules", ".cache", "trustee-access"));
const { serve } = await import("../protocol/index.ts");
const { trusteeProvider } = await import("./trustee-provider.ts");
flushCompileCache();

await serve(trusteeProvider(), { name: "trustee", version: "0.1.0" });
