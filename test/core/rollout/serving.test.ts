import { describe, expect, it } from "vitest";
import { stillServing, type Mounts } from "../../../core/rollout/decide.ts";

const settled: Mounts["deployment"] = {
  generation: 3,
  observedGeneration: 3,
  currentReplicas: 1,
  updatedReplicas: 1,
  mountedSecrets: ["other"],
};

describe("what may still serve a secret", () => {
  it("is nothing once neither the template nor any pod mounts it", () => {
    expect(stillServing({ deployment: settled, mounts: { new: ["other"] } }, ["db", "api"])).toEqual([]);
  });

  it("is the template, and every pod that has not ended, even a terminating one", () => {
    const deployment = { ...settled, mountedSecrets: ["db"] };
    expect(stillServing({ deployment, mounts: { old: ["db", "api"], new: [] } }, ["db", "api"])).toEqual([
      `the operator still mounts "db"`,
      `pod old still mounts "db", "api"`,
    ]);
  });

  it.each([
    ["the controller has not seen the new template", { observedGeneration: 2 }],
    ["a pod of the previous template may be created again", { currentReplicas: 2 }],
  ])("is a rollout in progress: %s", (_, more) => {
    expect(stillServing({ deployment: { ...settled, ...more }, mounts: { new: [] } }, ["db"])).toEqual([
      "its rollout is under way",
    ]);
  });
});
