import { z } from "zod";

/** The shapes of what the API server answers, as far as the facts are made of it. */

const strings = z.record(z.string(), z.string());

export const configMapData = strings.nullish().transform((data) => data ?? {});

export const kbsConfigSpec = z.looseObject({
  kbsSecretResources: z.unknown().optional(),
  kbsResourcePolicyConfigMapName: z.string().optional(),
  kbsRvpsRefValuesConfigMapName: z.string().optional(),
  kbsAttestationPolicyConfigMapName: z.string().optional(),
});

const volumeMount = z.object({
  name: z.string(),
  mountPath: z.string(),
  subPath: z.string().optional(),
});

const container = z.object({ name: z.string(), volumeMounts: z.array(volumeMount).default([]) });

export const deploymentSpec = z.object({
  selector: z.object({ matchLabels: strings.default({}) }),
  template: z.object({
    spec: z.object({
      containers: z.array(container).default([]),
      volumes: z
        .array(
          z.object({
            name: z.string(),
            configMap: z
              .object({
                name: z.string().optional(),
                items: z.array(z.object({ key: z.string() })).optional(),
              })
              .optional(),
          }),
        )
        .default([]),
    }),
  }),
});
export type DeploymentSpec = z.output<typeof deploymentSpec>;

/** Of a Deployment, a StatefulSet or a Job. */
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

/** What one writer manages of an object: `f:data: {f:secret: {}}`; names of fields only, never a value. */
export const managedField = z.looseObject({
  manager: z.string().default("somebody"),
  subresource: z.string().default(""),
  time: z.string().optional(),
  fieldsV1: z.record(z.string(), z.unknown()).default({}),
});
export type ManagedField = z.output<typeof managedField>;
