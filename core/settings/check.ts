import type { Issues } from "../issues.ts";
import { trusteeNames } from "../trustee/generation.ts";
import { checkGrants } from "./check-grants.ts";
import { checkPods } from "./check-pods.ts";
import { checkReaders } from "./check-readers.ts";
import { checkSecrets } from "./check-secrets.ts";
import { checkUnique } from "./check-unique.ts";
import type { Unread } from "./unread.ts";
import type { Settings } from "./schema.ts";
import type { SecretValueNames } from "./secret-values.ts";

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
