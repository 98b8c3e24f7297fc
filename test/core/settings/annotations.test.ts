import { expect, it } from "vitest";
import { INITDATA_ANNOTATION } from "../../../core/initdata/annotation.ts";
import { settingsIssues } from "../../fixtures/settings.ts";
import { check, DIGEST } from "../preflight/support.ts";

const set = { [INITDATA_ANNOTATION]: "H4sI" };

it("refuses an initdata annotation in the settings of a pod", () => {
  const found = settingsIssues({
    podDefaults: { annotations: set },
    pods: [{ name: "a", annotations: set }],
  });
  const about = found.filter(({ path }) => path.includes("annotations"));
  const issue = (section: string): unknown => ({
    code: "TA604",
    path: `${section}.annotations["${INITDATA_ANNOTATION}"]`,
    given: "an initdata annotation, which this program sets itself",
    allowed: "other annotations",
    fix: "Remove it. To use existing initdata, decode it (base64 -d | gunzip) into a file and set initdataFile.",
  });
  expect(about).toEqual([issue("podDefaults"), issue("pods[0]")]);
});

it("warns of a misspelled initdata annotation", () => {
  const annotations = {
    "io.katacontainers.config.runtime.cc_init_data": "H4sI",
    cc_initdata: "x",
    team: "a",
  };
  const pods = [{ name: "a", annotations }, { name: "b" }];
  expect(check({ podDefaults: { image: `i${DIGEST}` }, pods }).warnings).toEqual([
    "pods[0].annotations: cc_initdata is not the name of the initdata annotation, so no runtime reads it. Initdata is set by the pod's settings: remove it.",
    "pods[0].annotations: io.katacontainers.config.runtime.cc_init_data is the former name of the initdata annotation, which only old runtimes read. Initdata is set by the pod's settings: remove it.",
  ]);
});
