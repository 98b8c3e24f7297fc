/**
 * The sandbox's small replacement of pulumi-resource-kubernetes, for machines that cannot download the real one.
 * The engine starts it as `node main.ts <engine address>`.
 */
import { serve } from "../../protocol/index.ts";
import { KubernetesProvider } from "./provider.ts";

await serve(new KubernetesProvider(), { name: "kubernetes", version: "4.34.2" });
