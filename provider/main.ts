import { serve } from "../protocol/index.ts";
import { trusteeProvider } from "./trustee-provider.ts";

await serve(trusteeProvider(), { name: "trustee", version: "0.1.0" });
