import { BROKEN_WORDS, isBroken, strayNames, strayWords } from "../initdata/annotation-names.ts";
import { fitWords, misfitOf } from "../initdata/tee.ts";
import { given, someOf } from "../issues.ts";
import type { Plan } from "../plan/plan.ts";
import type { PlannedPod } from "../plan/pod.ts";
import { readerGroups } from "../plan/reader.ts";
import type { Before } from "../policy/registry.ts";
import { shownName } from "../shown.ts";
import { own } from "../records.ts";
import { readDocument } from "../reference-values/document.ts";
import { isCreated, listed, podsMeant } from "../settings/references.ts";
import type { Settings } from "../settings/schema.ts";

/** Whether an image reference pins its content: `repository@sha256:...`. */
function hasDigest(image: string): boolean {
  return /@[a-z0-9]+:[0-9a-f]{32,}$/i.test(image);
}

/** A warning for each image without a digest, with the pods that run it. */
export function imageWarnings(pods: readonly PlannedPod[]): readonly string[] {
  const unpinned = pods
    .map(({ declaration }) => declaration)
    .filter((pod) => pod.deploy && !hasDigest(pod.image));
  return [...Map.groupBy(unpinned, ({ image }) => image)].map(
    ([image, running]) =>
      `image ${image} (${someOf(running.map(({ id }) => id))}) has no digest: the pulled content is not measured. Pin it as repository@sha256:..., or rely only on its signature.`,
  );
}

/** Warnings about initdata annotations that some runtimes cannot read, and about misspelled names. */
export function annotationWarnings({ pods }: Pick<Plan, "pods">): readonly string[] {
  return pods.flatMap(({ declaration: { annotations }, annotation }, index) => [
    ...strayNames(annotations).map(
      (name) =>
        `pods[${index}].annotations: ${strayWords(name)}. Initdata is set by the pod's settings: remove it.`,
    ),
    // Such an annotation comes from a pod that was adopted. Rewriting it would replace the pod.
    ...(isBroken(annotation)
      ? [
          `pods[${index}]: its initdata annotation, which stays as it is in the cluster, ${BROKEN_WORDS}. If a pod does not start, delete it, and run pulumi up.`,
        ]
      : []),
  ]);
}

/** TA108: warnings for pods whose runtime class, machine type or cloud does not match their binding. */
export function bindingWarnings({
  pods,
  podCluster: { cloud },
}: Pick<Settings, "pods" | "podCluster">): readonly string[] {
  const misfits = pods.flatMap(({ id, binding, runtimeClassName, machineType, deploy }, index) => {
    // Others choose the runtime class of a pod that is not deployed here.
    const runtimeClass = deploy ? runtimeClassName : undefined;
    const misfit = misfitOf(binding, { runtimeClass, machineType, cloud });
    return misfit === undefined ? [] : [{ id, index, binding, misfit }];
  });
  const groups = Map.groupBy(misfits, ({ binding, misfit }) => `${binding} ${misfit.by}`);
  return [...groups.values()].map((group) => {
    const [first] = group;
    if (first === undefined) return "";
    const { index, binding, misfit } = first;
    const setting = misfit.by.split(" ")[0] ?? "";
    const fix =
      misfit.fits.length === 0
        ? "Correct"
        : `Set binding to ${fitWords(misfit)}, for each of them or in podDefaults, or correct`;
    return (
      `TA108 pods[${index}].binding: ${binding} (${someOf(group.map(({ id }) => id))}), but ${misfit.by} fits ` +
      `${fitWords(misfit)}: the TEE's claim does not match the grant, so every secret is denied. ` +
      `${fix} ${setting}.`
    );
  });
}

/** Warnings for pods that share initdata if only some are granted a secret: all can read it. */
export function sharedInitdataWarnings(settings: Settings, { readers }: Plan): readonly string[] {
  const granted = Map.groupBy(
    settings.grants.flatMap(({ pod, secret, key }) =>
      pod === undefined
        ? []
        : [{ id: podsMeant(settings.pods, pod)[0]?.id, path: `${secret}/${key ?? "*"}` }],
    ),
    ({ id }) => id,
  );
  return [...readerGroups(readers).values()].flatMap((sharing) => {
    const paths = sharing.map(({ id }) => new Set((granted.get(id) ?? []).map(({ path }) => path)));
    const partly = [...new Set(paths.flatMap((one) => [...one]))].filter(
      (path) => !paths.every((one) => one.has(path)),
    );
    if (partly.length === 0) return [];
    const names = someOf(sharing.map(({ id }) => id));
    return [
      `grants: ${names} share the initdata ${sharing[0]?.file ?? ""}, so they are one reader to Trustee: all of them can read ${someOf(partly)}, which is not granted to all of them. Grant it to all of them, or give each its own initdata.`,
    ];
  });
}

/**
 * A warning for each declared key that an existing Secret lacks: a pod that is granted it reads nothing.
 * @param live Secret -> its keys, for the Secrets that may lack one
 */
export function secretKeyWarnings(
  { secrets, grants }: Pick<Settings, "secrets" | "grants">,
  live: Readonly<Record<string, readonly string[]>> = {},
): readonly string[] {
  return secrets.flatMap((secret, index) => {
    const there = isCreated(secret) ? undefined : own(live, secret.name);
    if (there === undefined) return [];
    return secret.keys.flatMap((key, place) => {
      if (there.includes(key)) return [];
      const granted = grants.flatMap((grant, at) =>
        grant.secret === secret.name && grant.key === key ? [`grants[${at}].key`] : [],
      );
      const also = granted.length === 0 ? "" : ` (and ${granted.join(", ")})`;
      return [
        `secrets[${index}].keys[${place}]: ${given(key)} is not a key of the Secret ${given(secret.name)}, which has ${listed(there)}: ` +
          `no pod can read it. Correct it${also}, or add the key to the Secret.`,
      ];
    });
  });
}

/**
 * A warning for each entry that holds a value twice, for example after running the tutorial's commands twice.
 * The RVPS accepts it; only the author of the entry can remove the duplicates.
 */
export function duplicateWarnings(key: string, text: Before): readonly string[] {
  return readDocument(key, text).entries.flatMap(({ name, values }) => {
    const doubled = new Set(values.filter((value, index) => values.indexOf(value) !== index));
    if (doubled.size === 0) return [];
    const which = [...doubled].map((value) => `${shownName(value.slice(0, 12))}...`).join(", ");
    return [
      `reference values: the entry ${shownName(name)} holds ${doubled.size === 1 ? "a value" : `${doubled.size} values`} more than once (${which}). The duplicates can be removed safely.`,
    ];
  });
}
