import { describe, expect, it } from "vitest";
import { readGlobalInitdata } from "../../../cli/live/global-initdata.ts";
import type { GlobalInitdata, PodFacts } from "../../../cli/audit/facts.ts";
import { KubeError } from "../../../kube/errors.ts";
import type { KubeObject, ObjectRef } from "../../../kube/objects.ts";
import { podFixture } from "../../fixtures/live-facts.ts";

const UPSTREAM = "confidential-containers-system";
const RED_HAT = "openshift-sandboxed-containers-operator";

/** The result for ConfigMaps with these data, by namespace; `forbidden`: the account may not read it. */
function found(
  maps: Readonly<Record<string, Readonly<Record<string, string>> | "forbidden">>,
  pod: Partial<PodFacts> = {},
): Promise<GlobalInitdata | undefined> {
  const get = ({ namespace, name }: ObjectRef): Promise<KubeObject | undefined> => {
    const data = new Map(Object.entries(maps)).get(namespace);
    if (data === "forbidden") {
      const request = { verb: "get", resource: "configmaps", namespace, name } as const;
      return Promise.reject(new KubeError("forbidden", request, "no rule allows it"));
    }
    return Promise.resolve(data && { metadata: { name, namespace }, data });
  };
  return readGlobalInitdata({ get }, podFixture("a", pod));
}

const INITDATA = "H4sI";

describe("the initdata that a cluster gives to peer pods", () => {
  it("is none if no ConfigMap sets it, and for a pod on bare metal", async () => {
    expect(await found({})).toBeUndefined();
    expect(await found({ [UPSTREAM]: { CLOUD_PROVIDER: "azure", INITDATA: "\n" } })).toBeUndefined();
    for (const runtimeClass of ["kata-qemu-snp", "kata-qemu-se", "kata-qemu-cca"])
      expect(await found({ [UPSTREAM]: { INITDATA } }, { runtimeClass })).toBeUndefined();
  });

  it.each([UPSTREAM, RED_HAT])("is that of the ConfigMap in %s", async (namespace) => {
    const place = { namespace, name: "peer-pods-cm", key: "INITDATA" };
    expect(await found({ [namespace]: { INITDATA } })).toEqual(place);
  });

  it("is unknown if the ConfigMap may not be read, unless another one sets it", async () => {
    expect(await found({ [UPSTREAM]: "forbidden" })).toEqual({
      problem: `ConfigMap ${UPSTREAM}/peer-pods-cm cannot be read by this account`,
    });
    expect(await found({ [UPSTREAM]: "forbidden", [RED_HAT]: { INITDATA } })).toMatchObject({
      namespace: RED_HAT,
    });
  });
});
