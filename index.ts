import { enableCompileCache } from "node:module";
import { join } from "node:path";
import type { StackOutputs } from "./components/outputs.ts";

// As in provider/pulumi-resource-trustee: this code is not compiled anew at every preview.
enableCompileCache(join(import.meta.dirname, "node_modules", ".cache", "trustee-access"));

// Pulumi's SDK takes a stack trace of each resource several times, and has each mapped by source maps, which costs more than all
// else that it does for a resource. Node strips types in place, so that the lines of this code need no map.
Reflect.deleteProperty(Error, "prepareStackTrace");

export default async function program(): Promise<StackOutputs> {
  const { declareStack } = await import("./components/declare-stack.ts");
  return declareStack();
}
