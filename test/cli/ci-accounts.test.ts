import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly rules?: readonly {
    readonly resources: readonly string[];
    readonly verbs: readonly string[];
    readonly resourceNames?: readonly string[];
  }[];
  readonly roleRef?: { readonly name: string };
  readonly subjects?: readonly { readonly name: string }[];
}

function manifests(side: string): readonly Manifest[] {
  const text = readFileSync(`deploy/rbac/${side}.yaml`, "utf8");
  return parseAllDocuments(text).map((document) => document.toJSON() as Manifest);
}

/** The rights of an account: resource -> verbs. */
function rights(side: string, account: string): Readonly<Record<string, readonly string[]>> {
  const all = manifests(side);
  const roles = all
    .filter(({ subjects = [] }) => subjects.some(({ name }) => name === account))
    .map(({ roleRef }) => roleRef?.name);
  const rules = all.filter(({ kind, metadata }) => kind === "Role" && roles.includes(metadata.name));
  return Object.fromEntries(
    rules.flatMap(({ rules: list = [] }) =>
      list.flatMap(({ resources, verbs }) => resources.map((one) => [one, verbs])),
    ),
  );
}

const to = (
  verbs: readonly string[],
  ...resources: readonly string[]
): Readonly<Record<string, readonly string[]>> => Object.fromEntries(resources.map((one) => [one, verbs]));

const preview = {
  "ci-trustee-side": {
    ...to(
      ["get"],
      "kbsconfigs",
      "trusteeconfigs",
      "configmaps",
      "secrets",
      "deployments",
      "routes",
      "namespaces",
    ),
    ...to(["list"], "pods"),
  },
  "ci-pod-side": to(["get", "list"], "pods", "deployments", "statefulsets", "replicasets", "jobs"),
};

describe.each(Object.entries(preview))("the accounts of CI in %s.yaml", (side, expected) => {
  it("read for a request's preview; the scheduled job's may also read the log and exec", () => {
    expect(rights(side, "trustee-access-preview")).toEqual(expected);
    const more = side === "ci-pod-side" ? { "pods/exec": ["create"] } : { "pods/log": ["get"] };
    expect(rights(side, "trustee-access-watch")).toEqual({ ...expected, ...more });
  });

  it("see named Secrets only", () => {
    const rules = manifests(side).flatMap((manifest) => manifest.rules ?? []);
    for (const { resources, resourceNames = [] } of rules)
      if (resources.includes("secrets")) expect(resourceNames).toEqual(["trustee-tls-cert"]);
  });
});
