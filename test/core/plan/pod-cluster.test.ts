import { describe, expect, it } from "vitest";
import { Issues, type Issue } from "../../../core/issues.ts";
import { checkPodCluster, type PodCluster } from "../../../core/plan/pod-cluster.ts";
import { settingsOf } from "../../fixtures/settings.ts";

const names = ["a", "b", "c", "d", "e", "f"];

const { pods } = settingsOf({
  pods: [
    { name: "here" },
    ...names.map((name) => ({ name, namespace: "gone", runtimeClassName: "kata-qemu-snp" })),
    { name: "theirs", namespace: "elsewhere", runtimeClassName: "kata-other", deploy: false },
    { name: "late", namespace: "closing", kind: "Deployment" },
  ],
});

function issues(cluster: PodCluster): readonly Issue[] {
  const found = new Issues();
  checkPodCluster(pods, cluster, found);
  return found.found;
}

const ALL = "gone/a, gone/b, gone/c, gone/d, gone/e and 1 more";

describe("the needs of pods in their cluster", () => {
  it("are reported once each, with the pods", () => {
    const cluster: PodCluster = {
      closedNamespaces: { gone: "missing", closing: "terminating", elsewhere: "missing" },
      runtimeClasses: ["kata", "kata-remote"],
    };
    expect(issues(cluster)).toEqual([
      {
        code: "TA804",
        path: "pods[1].namespace",
        given: `"gone" (${ALL}), a namespace that does not exist in the pods' cluster`,
        allowed: "a namespace that exists",
        fix: "Correct it, or create the namespace: kubectl create namespace gone",
      },
      {
        code: "TA805",
        path: "pods[8].namespace",
        given: `"closing" (closing/late), a namespace that is being deleted in the pods' cluster`,
        allowed: "a namespace that exists",
        fix: "Choose another one, or wait until it is gone and create it again.",
      },
      {
        code: "TA804",
        path: "pods[1].runtimeClassName",
        given: `"kata-qemu-snp" (${ALL}), a RuntimeClass that does not exist in the pods' cluster`,
        allowed: "kata, kata-remote",
        fix: "Correct it, or install Kata Containers with this RuntimeClass: kubectl get runtimeclass",
      },
    ]);
  });

  it("are all met", () => {
    expect(issues({ closedNamespaces: {}, runtimeClasses: ["kata-qemu-snp", "kata-remote"] })).toEqual([]);
  });

  it("are not judged if the cluster could not be read", () => {
    expect(issues({})).toEqual([]);
  });

  it("are missing on a cluster without any RuntimeClass", () => {
    expect(issues({ runtimeClasses: [] }).map(({ path, allowed }) => `${path}: ${allowed}`)).toEqual([
      "pods[0].runtimeClassName: a RuntimeClass that exists; the cluster has none",
      "pods[1].runtimeClassName: a RuntimeClass that exists; the cluster has none",
    ]);
  });
});
