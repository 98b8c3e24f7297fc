import type { Issues } from "../issues.ts";
import type { Plan } from "../plan/plan.ts";
import { unwritable } from "../reference-values/document.ts";
import { formatOf } from "../reference-values/format.ts";
import { unwritableEntries } from "../reference-values/merge.ts";
import type { LiveTexts } from "./budget.ts";

/** Entries of the live reference values that cannot take the digests which the plan has for them. */
export function checkWritable({ digests }: Plan, live: LiveTexts, issues: Issues): void {
  const { referenceValuesKey: key, referenceValues } = live;
  const place = { key, format: formatOf(key, referenceValues) };
  for (const entry of unwritableEntries(key, referenceValues, digests)) {
    issues.add({
      path: "referenceValues.entries",
      given: unwritable(place, entry).message.replace(/\.? Nothing was written;.*$/, ""),
      allowed: "entries whose value is a list, or that do not exist yet",
      fix: "Name another entry, or make its value a list by hand.",
    });
  }
}
