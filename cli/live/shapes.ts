import { z } from "zod";

/** The fields of the API server's objects that the facts need. */

const strings = z.record(z.string(), z.string());

export const kbsConfigSpec = z.looseObject({
  kbsSecretResources: z.unknown().optional(),
  kbsAttestationPolicyConfigMapName: z.string().optional(),
});

export const deploymentSpec = z.object({ selector: z.object({ matchLabels: strings.default({}) }) });
export type DeploymentSpec = z.output<typeof deploymentSpec>;

/** A Deployment, StatefulSet or Job. */
export const workloadSpec = z.object({
  selector: z.object({ matchLabels: strings.default({}) }).default({ matchLabels: {} }),
});

export const podSpec = z.looseObject({ runtimeClassName: z.string().optional() });

export const podStatus = z
  .looseObject({
    phase: z.string().default("Unknown"),
    podIP: z.string().optional(),
    conditions: z.array(z.looseObject({ type: z.string(), status: z.string() })).default([]),
  })
  .default({ phase: "Unknown", conditions: [] });
