import { describe, expect, it } from "vitest";
import { planConfidentialPod, type PodArgs } from "../../components/confidential-pod.ts";
import { podArgs, workloadArgs } from "../../components/pod-template.ts";
import { encodeAnnotation } from "../../core/initdata/annotation.ts";
import { tutorialSecurityContext } from "../fixtures/settings.ts";
import { IssuesError } from "../../core/issues.ts";

const initdata = 'algorithm = "sha256"\nversion = "0.1.0"\n[data]\n';
const annotation = encodeAnnotation(initdata);

const args: PodArgs = {
  initdata,
  image: "registry.example/app:1",
  machineType: "Standard_DC2as_v5",
  command: ["serve"],
  args: ["--port", "8080"],
  env: { LEVEL: "info" },
  labels: { app: "web" },
  annotations: { "example.com/team": "a", "pulumi.com/skipAwait": "true" },
  resources: { limits: { cpu: "1" } },
};

const container = {
  name: "web",
  image: "registry.example/app:1",
  command: ["serve"],
  args: ["--port", "8080"],
  env: [{ name: "LEVEL", value: "info" }],
  resources: { limits: { cpu: "1" } },
  securityContext: tutorialSecurityContext,
};

describe("a pod's object", () => {
  it("is the tutorial's, with everything declared", () => {
    const pod = planConfidentialPod("web", args);
    expect(podArgs(pod, { serviceAccountName: "web" }, "o/p/s")).toEqual({
      metadata: {
        name: "web",
        namespace: "default",
        labels: { app: "web" },
        annotations: {
          "example.com/team": "a",
          "pulumi.com/skipAwait": "true",
          "io.katacontainers.config.hypervisor.machine_type": "Standard_DC2as_v5",
          "io.katacontainers.config.hypervisor.cc_init_data": annotation,
          "trustee-access/stack": "o/p/s",
          "pulumi.com/patchForce": "true",
        },
      },
      spec: { runtimeClassName: "kata-remote", containers: [container], serviceAccountName: "web" },
    });
  });

  it("is a controller's template with its own label; Pulumi's annotations are on the controller", () => {
    const pod = planConfidentialPod("web", { ...args, kind: "Job", namespace: "team-a" });
    expect(workloadArgs(pod, {}, "o/p/s")).toEqual({
      metadata: {
        name: "web",
        namespace: "team-a",
        labels: { app: "web" },
        annotations: {
          "pulumi.com/deletionPropagationPolicy": "background",
          "pulumi.com/skipAwait": "true",
          "pulumi.com/patchForce": "true",
          "trustee-access/stack": "o/p/s",
        },
      },
      selector: { matchLabels: { "trustee-access/workload": "web" } },
      template: {
        metadata: {
          labels: { app: "web", "trustee-access/workload": "web" },
          annotations: {
            "example.com/team": "a",
            "io.katacontainers.config.hypervisor.machine_type": "Standard_DC2as_v5",
            "io.katacontainers.config.hypervisor.cc_init_data": annotation,
          },
        },
        spec: { runtimeClassName: "kata-remote", restartPolicy: "Never", containers: [container] },
      },
    });
  });

  it("is refused with all problems at once", () => {
    let message = "";
    try {
      planConfidentialPod("Web", {
        image: "i",
        initdata: "x",
        algorithm: "sha384",
        replicas: 2,
        claims: { data: "" },
      });
    } catch (error) {
      if (!(error instanceof IssuesError)) throw error;
      message = error.message;
    }
    expect(message.split("\n").filter((line) => line.startsWith("  - "))).toEqual([
      "  - TA604 claims.data: a claim with a name that the initdata document already uses",
      '  - TA603 name: "Web"',
      '  - TA603 containerName: "Web"',
      '  - TA614 algorithm: "sha384"',
      "  - TA611 replicas: 2 for a Pod",
    ]);
  });
});
