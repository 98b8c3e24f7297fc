import type { GlobalInitdata, PodFacts } from "../audit/facts.ts";
import { bindingsOfClass } from "../../core/initdata/tee.ts";
import { own } from "../../core/records.ts";
import type { KubeClient } from "../../kube/client.ts";
import { KubeError } from "../../kube/errors.ts";
import { dataOf } from "../../kube/trustee-objects.ts";

/**
 * Namespaces of cloud-api-adaptor's configuration: upstream's, and that of Red Hat's sandboxed containers.
 * @see https://github.com/confidential-containers/cloud-api-adaptor/blob/main/src/cloud-api-adaptor/docs/initdata.md (Global initdata)
 */
const NAMESPACES = ["confidential-containers-system", "openshift-sandboxed-containers-operator"] as const;
const NAME = "peer-pods-cm";
const KEY = "INITDATA";

/** Initdata that the cluster gives to peer pods without; undefined: none, or the pod is on bare metal. */
export async function readGlobalInitdata(
  kube: Pick<KubeClient, "get">,
  { runtimeClass = "" }: PodFacts,
): Promise<GlobalInitdata | undefined> {
  if (bindingsOfClass(runtimeClass) !== undefined) return undefined;
  const found = await Promise.all(
    NAMESPACES.map(async (namespace): Promise<GlobalInitdata | undefined> => {
      try {
        const map = await kube.get({ kind: "ConfigMap", namespace, name: NAME });
        const value = own(dataOf(map), KEY) ?? "";
        return value.trim() === "" ? undefined : { namespace, name: NAME, key: KEY };
      } catch (error) {
        if (!(error instanceof KubeError) || error.failure !== "forbidden") throw error;
        return { problem: `ConfigMap ${namespace}/${NAME} cannot be read by this account` };
      }
    }),
  );
  const all = found.filter((one) => one !== undefined);
  return all.find((one) => !("problem" in one)) ?? all[0];
}
