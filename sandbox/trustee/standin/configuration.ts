import { readFileSync } from "node:fs";
import { z } from "zod";
import { generations } from "../../../core/trustee/generation.ts";
import { operators } from "../manifests/objects.ts";

const schema = z.object({
  generation: z.enum(generations),
  operator: z.enum(operators),
  resourcePath: z.enum(["string", "array"]),
  kubeconfig: z.string(),
  opa: z.string(),
  curl: z.string(),
  logFolder: z.string(),
  kubeletPort: z.number(),
  kwokPort: z.number(),
  /** The secret container name for kwok's exec. Because of it, only the owner may read this file. */
  execContainer: z.string(),
  certificate: z.string(),
  key: z.string(),
  ca: z.string(),
  /** This file exists once the CRDs are installed. Watches start then. */
  installedMarker: z.string(),
  /** The folder of the sandbox whose Trustee the guests attest with; absent if it is this one. */
  trusteeFolder: z.string().optional(),
});

/** The content of the stand-ins' configuration file, which is their only argument. */
export type StandinConfiguration = z.infer<typeof schema>;

/** @throws Error if the file is missing or malformed */
export function readStandinConfiguration(file: string): StandinConfiguration {
  return schema.parse(JSON.parse(readFileSync(file, "utf8")));
}
