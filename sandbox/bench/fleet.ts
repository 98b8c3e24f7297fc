import type { SettingsInput } from "../../core/settings/schema.ts";

/** The tutorial with more pods: one third reads one secret, one third another, and one third neither. */
export function fleetSettings(pods: number): SettingsInput {
  const names = Array.from({ length: pods }, (_, index) => `fleet-${index + 1}`);
  return {
    secrets: [
      { name: "fraud-dataset", keys: ["dataset_key"] },
      { name: "p2-secret", keys: ["secret"], from: "generate" },
      { name: "kbsres1", keys: ["key1"] },
    ],
    grants: names.flatMap((pod, index) => {
      const secret = ["fraud-dataset", "p2-secret"][index % 3];
      return secret === undefined ? [] : [{ pod, secret }];
    }),
    podDefaults: {
      image: "registry.example/app:1",
      containerName: "main",
      execCurl: ["fraud-dataset/dataset_key", "p2-secret/secret", "kbsres1/key1"],
    },
    pods: names.map((name) => ({ name })),
  };
}
