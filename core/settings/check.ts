import { claimForm } from "../initdata/binding.ts";
import { given, type Issues } from "../issues.ts";
import { checkName, checkUnique } from "../names.ts";
import { trusteeNames } from "../trustee/generation.ts";
import { checkGrants } from "./check-grants.ts";
import { checkPods } from "./check-pods.ts";
import { checkSecrets } from "./check-secrets.ts";
import type { PodDeclaration } from "./pod.ts";
import type { ReaderSettings, Settings } from "./schema.ts";
import type { SecretValueNames } from "./secret-values.ts";
import type { Unread } from "./unread.ts";

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

function checkReaders(
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

/**
 * All checks that need no cluster: name rules, references, duplicates.
 * @param unread settings that failed to parse; references to them are not checked
 */
export function checkSettings(
  settings: Omit<Settings, "podCluster">,
  values: SecretValueNames,
  unread: Unread,
  issues: Issues,
): void {
  checkPods(settings.pods, unread, issues);
  checkReaders(settings.readers, settings.pods, unread, issues);
  checkSecrets(
    settings.secrets,
    values,
    settings.trustee.certificateSecret ?? trusteeNames.certificate,
    unread,
    issues,
  );
  checkGrants(settings.grants, settings, unread, issues);
  for (const [binding, entries] of Object.entries(settings.referenceValues.entries)) {
    checkUnique(
      entries.map((name, index) => ({ name, path: `referenceValues.entries.${binding}[${index}]` })),
      "an entry",
      issues,
    );
  }
  checkValidity(settings.referenceValues, issues);
  if (settings.trustee.certificateAuthority === undefined) return;
  if (settings.trustee.certificateAuthorityFile === undefined) return;
  issues.add({
    code: "TA610",
    path: "trustee.certificateAuthorityFile",
    given: "a file in addition to trustee.certificateAuthority",
    allowed: "one of the two",
    fix: "Remove one of them.",
  });
}

function checkValidity({ entries, validityDaysOf }: Settings["referenceValues"], issues: Issues): void {
  const names = [...new Set(Object.values(entries).flat())];
  for (const [name, days] of Object.entries(validityDaysOf)) {
    if (names.includes(name)) continue;
    issues.add({
      code: "TA607",
      path: `referenceValues.validityDaysOf.${name}`,
      given: `${days} days for an entry that is not in referenceValues.entries`,
      allowed: names.sort().join(", "),
      fix: "Correct the entry's name, or add it to referenceValues.entries.",
    });
  }
}
