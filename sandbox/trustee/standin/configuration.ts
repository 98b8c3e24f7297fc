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
  /** The container in which kwok runs commands; a secret, so that this file is for its owner's eyes only. */
  execContainer: z.string(),
  certificate: z.string(),
  key: z.string(),
  ca: z.string(),
  /** Exists once the CRDs are there: until then there is nothing to watch. */
  installedMarker: z.string(),
  /** The folder of the sandbox whose Trustee the guests attest with, where it is not their own. */
  trusteeFolder: z.string().optional(),
});

/** What the stand-ins are told by the file that is their only argument. */
export type StandinConfiguration = z.infer<typeof schema>;

/** @throws Error if the file is not there, or is not what {@link StandinConfiguration} says */
export function readStandinConfiguration(file: string): StandinConfiguration {
  return schema.parse(JSON.parse(readFileSync(file, "utf8")));
}
