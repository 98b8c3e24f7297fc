import { claimForm } from "../initdata/binding.ts";
import { given, type Issues } from "../issues.ts";
import { checkName } from "../names.ts";
import { checkUnique } from "./check-unique.ts";
import type { Unread } from "./unread.ts";
import type { PodDeclaration } from "./pod.ts";
import type { ReaderSettings } from "./schema.ts";

function checkReader(reader: ReaderSettings, path: string, issues: Issues): void {
  checkName("subdomain", reader.name, `${path}.name`, issues);
  const { initdata, initdataFile, binding } = reader;
  if ((initdata === undefined) === (initdataFile === undefined)) {
    issues.add({
      code: "TA610",
      path,
      given: initdata === undefined ? "neither initdata nor initdataFile" : "both initdata and initdataFile",
      allowed: "one of them",
      fix: "Give the digest that its TEE claims, or the initdata document itself.",
    });
  }
  if (initdata === undefined) return;
  const { pattern, words } = claimForm(binding);
  if (!pattern.test(initdata)) {
    issues.add({
      code: "TA602",
      path: `${path}.initdata`,
      given: given(initdata),
      allowed: `${words}, which the binding ${binding} claims`,
      fix: "Correct it, or set the reader's binding.",
    });
  } else if (/^(?:0+|A+=*)$/.test(initdata)) {
    issues.add({
      code: "TA704",
      path: `${path}.initdata`,
      given: "zeros, which every guest without initdata claims",
      allowed: "the digest of an initdata document",
      fix: "Give the reader an initdata document of its own.",
    });
  }
}

export function checkReaders(
  readers: readonly ReaderSettings[],
  pods: readonly PodDeclaration[],
  { knownOf }: Unread,
  issues: Issues,
): void {
  readers.forEach((reader, index) => {
    checkReader(reader, `readers[${index}]`, issues);
  });
  const known = pods.flatMap((pod, index) =>
    knownOf(pod)("namespace") ? [{ name: pod.id, path: `pods[${index}].name` }] : [],
  );
  const names = readers.map(({ name }, index) => ({ name, path: `readers[${index}].name` }));
  // checkPods reports duplicates among the pods: keep one of each here.
  const first = [...Map.groupBy(known, ({ name }) => name).values()].flatMap((doubles) =>
    doubles.slice(0, 1),
  );
  checkUnique([...first, ...names], "a reader or pod", issues);
}
