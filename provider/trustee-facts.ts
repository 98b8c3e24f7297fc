import { z } from "zod";
import type { Issues } from "../core/issues.ts";
import type { KubeObject } from "../kube/objects.ts";
import { readConfigMap } from "./config-map.ts";

/** `kbsAuthSecretName`, `kbsHttpsKeySecretName` and so on: whatever the KbsConfig names that is Trustee's own. */
const OWN_SECRET = /^kbs\w+SecretName$/;

/** An issue for each secret of the stack's that is one of Trustee's own, as the live KbsConfig names them. */
export function checkOwnSecrets(kbsConfig: KubeObject, secrets: readonly string[], issues: Issues): void {
  const spec = z.record(z.string(), z.unknown()).safeParse(kbsConfig["spec"]).data ?? {};
  for (const [field, name] of Object.entries(spec)) {
    if (!OWN_SECRET.test(field) || typeof name !== "string" || !secrets.includes(name)) continue;
    issues.add({
      path: `secrets "${name}"`,
      given: `the Secret that the KbsConfig names as ${field}`,
      allowed: "a Secret that Trustee does not use for itself",
      mend: "Choose another name: whoever reads this one can pass for Trustee.",
    });
  }
}

/** Bytes of a ConfigMap's values beside one key: the limit is that of all together. */
export function otherBytes(map: KubeObject | undefined, key: string): number {
  if (map === undefined) return 0;
  const texts = Object.entries(readConfigMap(map).data).filter(([name]) => name !== key);
  const binary = z.record(z.string(), z.string()).nullish().safeParse(map["binaryData"]).data ?? {};
  return (
    texts.reduce((sum, [, text]) => sum + Buffer.byteLength(text), 0) +
    Object.values(binary).reduce((sum, value) => sum + Buffer.from(value, "base64").length, 0)
  );
}
