import { enableCompileCache } from "node:module";
import { join } from "node:path";

// See provider/main.ts: this code is not compiled anew at every preview either.
enableCompileCache(join(import.meta.dirname, "node_modules", ".cache", "trustee-access"));

export default async function program(): Promise<Readonly<Record<string, unknown>>> {
  const { declareStack } = await import("./components/declare-stack.ts");
  return declareStack();
}
