import { ConfigMap } from "@pulumi/kubernetes/core/v1/configMap.js";
import { Pod } from "@pulumi/kubernetes/core/v1/pod.js";
import * as kubernetes from "@pulumi/kubernetes/provider.js";
import { Config } from "@pulumi/pulumi";

/** The baseline for the benchmark: the same pods and two ConfigMaps, without any computed content. */
const pods = new Config("bench-bare").requireNumber("pods");
const provider = new kubernetes.Provider("cluster", {});
const maps = ["policy", "reference-values"].map(
  (name) =>
    new ConfigMap(
      name,
      { metadata: { name: `bare-${name}`, namespace: "default" }, data: { [name]: "{}" } },
      { provider },
    ),
);
for (let index = 1; index <= pods; index++) {
  const name = `bare-${index}`;
  new Pod(
    name,
    {
      metadata: { name, namespace: "default" },
      spec: { containers: [{ name: "main", image: "registry.example/app:1" }] },
    },
    { provider, dependsOn: maps },
  );
}
