import type { PlannedPod } from "../plan/pod.ts";

/** Whether an image reference names one content: `repository@sha256:...`. */
function hasDigest(image: string): boolean {
  return /@[a-z0-9]+:[0-9a-f]{32,}$/i.test(image);
}

/** A warning for each image that is named by a tag, with the pods that run it. */
export function imageWarnings(pods: readonly PlannedPod[]): readonly string[] {
  const byImage = new Map<string, string[]>();
  for (const { declaration } of pods) {
    const { deploy, image, id } = declaration;
    if (!deploy || hasDigest(image)) continue;
    byImage.set(image, [...(byImage.get(image) ?? []), id]);
  }
  return [...byImage].map(
    ([image, ids]) =>
      `image ${image} (${someOf(ids)}) is named without a digest: what is pulled is not measured, so name it as repository@sha256:... or rely on its signature alone.`,
  );
}

/** The first few, and how many more. */
export function someOf(names: readonly string[]): string {
  const shown = names.slice(0, 5).join(", ");
  return names.length > 5 ? `${shown} and ${names.length - 5} more` : shown;
}
