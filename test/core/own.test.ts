import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { diffAccess } from "../../cli/diff/diff.ts";
import { matrixOfReport } from "../../core/access/matrix.ts";
import { decide } from "../../core/access/model.ts";
import { liveReferenceValues } from "../../cli/audit/trustee-view.ts";
import { own } from "../../core/records.ts";
import { EMPTY_LEDGER, readLedgers, writeLedgers } from "../../core/reference-values/ledger.ts";
import { joinReferenceValues, leaveReferenceValues } from "../../core/reference-values/merge.ts";
import { retireDigests } from "../../core/reference-values/retiring.ts";
import { healthyTrustee } from "../fixtures/live-facts.ts";
import { forAll } from "../support/for-all.ts";

const inherited = fc.constantFrom("constructor", "toString", "valueOf", "hasOwnProperty", "__proto__");
const record = <T>(entries: readonly (readonly [string, T])[]): Readonly<Record<string, T>> =>
  Object.fromEntries(entries);

describe("an inherited name", () => {
  it("is not an entry of a record without it", () => {
    forAll(inherited, (name) => {
      const found = [own({}, name), own(undefined, name), own(record([[name, 1]]), name)];
      expect(found).toEqual([undefined, undefined, 1]);
    });
  });

  it("as a secret, a key or a digest opens nothing without a grant", () => {
    forAll(inherited, inherited, inherited, (secret, key, claim) => {
      const token = {
        submods: {
          cpu0: {
            "ear.status": "affirming",
            "ear.veraison.annotated-evidence": { init_data: claim, "az-tdx-vtpm": {} },
          },
        },
      };
      const data = { plugin: "resource", "resource-path": ["default", secret, key] };
      const why = (secrets: Parameters<typeof decide>[0]["secrets"]): string =>
        decide({ others: "deny", secrets }, data, token).why;
      expect(why({})).toBe("others-denied");
      expect(why(record([[secret, {}]]))).toBe("not-a-reader");
      expect(why(record([[secret, record([[key, {}]])]]))).toBe("not-a-reader");
      expect(why(record([[secret, record([[key, { "azure-vtpm": record([[claim, "pod"]]) }]])]]))).toBe(
        "granted",
      );
    });
  });

  it("as a pod or a path is looked up in the matrix like any other", () => {
    forAll(inherited, inherited, (pod, path) => {
      const report = record([[pod, record([[path, "granted" as const]])]]);
      expect(diffAccess({}, report)).toHaveLength(1);
      expect(diffAccess(report, report)).toEqual([]);
      expect(matrixOfReport({}, [{ pod, namespace: "", initData: "", binding: "snp" }]).cells).toEqual([]);
    });
  });

  it.each(["reference-values.json", "reference_value"])(
    "as a reference value in %s comes and goes like any other",
    (key) => {
      forAll(inherited, inherited, fc.boolean(), (name, owner, retires) => {
        const joined = joinReferenceValues({
          ...{ key, live: null, ledger: EMPTY_LEDGER, owner, wanted: record([[name, ["d"]]]) },
          terms: record([[name, { expiration: "2030-01-01T00:00:00Z", renewBefore: "" }]]),
        });
        const ledger = own(readLedgers(writeLedgers({ key: joined.ledger }) ?? undefined), "key");
        expect(Object.entries(joined.ownership.added)).toEqual([[name, ["d"]]]);
        expect(Object.keys(joined.ownership.created)).toEqual([name]);
        const live = joined.content ?? "";
        const referenceValues = { name: "rv", data: { [key]: live }, changedAt: 0, resourceVersion: "1" };
        const seen = { referenceValuesKey: key };
        expect(liveReferenceValues({ ...healthyTrustee, referenceValues, seen }).entries).toMatchObject([
          { name, values: ["d"] },
        ]);
        const held = ledger ?? EMPTY_LEDGER;
        if (retires) {
          const retiring = record([[owner, ["d"]]]);
          const left = retireDigests(key, live, { ...held, retiring }, owner);
          expect(left.content).not.toContain(name);
          return;
        }
        const left = leaveReferenceValues({ key, live, ledger: held, owner, remembered: joined.ownership });
        expect(left).toEqual({ content: null, ledger: EMPTY_LEDGER });
      });
    },
  );
});
