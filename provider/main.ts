import { flushCompileCache } from "node:module";
import { onDemand } from "./on-demand.ts";
import { serve } from "./protocol/index.ts";

const provider = onDemand(async () => {
  const { trusteeProvider } = await import("./trustee-provider.ts");
  // Writes the compile cache, see pulumi-resource-trustee. The engine may kill this process, so not at its
  // end.
  flushCompileCache();
  return trusteeProvider();
});

await serve(provider, { name: "trustee", version: "0.1.0" });
