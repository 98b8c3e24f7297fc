import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { changeLine } from "../../../core/access/changes.ts";
import { matrixText } from "../../../core/access/matrix.ts";
import type { Plan } from "../../../core/plan/plan.ts";
import { joinPolicy } from "../../../core/policy/share.ts";
import type { RawSettings } from "../../../core/settings/settings.ts";
import { decodeAnnotation } from "../../../core/initdata/annotation.ts";
import { certificate } from "../../fixtures/pod.ts";
import { planOf, problemsOf, settingsOf, tutorialSettings, tutorialValues } from "../../fixtures/settings.ts";
import { stackGrants } from "../../fixtures/grants.ts";

const STACK = "organization/trustee-access/dev";

function plan(raw: RawSettings = tutorialSettings, files: Readonly<Record<string, string>> = {}): Plan {
  return planOf(settingsOf(raw, tutorialValues), { certificate, files, stack: STACK });
}

describe("the tutorial's plan", () => {
  const tutorial = plan();
  const [pod1 = "", pod2 = "", pod3 = ""] = tutorial.pods.map((pod) => pod.initData);

  it("restricts the two secrets to their pods, and leaves Trustee's sample alone", () => {
    expect(tutorial.grants).toEqual(
      stackGrants(STACK, {
        "fraud-dataset": { "*": { "azure-vtpm": { [pod1]: "pod1" } } },
        "p2-secret": { "*": { "azure-vtpm": { [pod2]: "pod2" } } },
      }),
    );
  });

  it("registers all three digests, even one without a grant", () => {
    const digests = [pod1, pod2, pod3].sort();
    expect(tutorial.digests).toEqual({ snp_pcr08: digests, tdx_pcr08: digests });
  });

  it("shows the tutorial's nine cells", () => {
    expect(matrixText(tutorial.matrix)).toEqual([
      "      fraud-dataset/dataset_key  p2-secret/secret  kbsres1/key1",
      "pod1  ✓ may read                 ✗ denied          ✓ may read",
      "pod2  ✗ denied                   ✓ may read        ✓ may read",
      "pod3  ✗ denied                   ✗ denied          ✓ may read",
    ]);
  });

  it("closes the sample for pod2 and pod3 if pod1 is granted it, as README.md says", () => {
    const grants = [
      { pod: "pod1", secret: "fraud-dataset" },
      { pod: "pod2", secret: "p2-secret" },
    ];
    expect(tutorialSettings["grants"]).toEqual(grants);
    const raw = { ...tutorialSettings, grants: [...grants, { pod: "pod1", secret: "kbsres1" }] };
    const policy = joinPolicy("package policy\n", tutorial.grants);
    const { accessChanges } = planOf(settingsOf(raw, tutorialValues), { certificate, policy, stack: STACK });
    const lines = accessChanges.map(changeLine);
    expect(accessChanges.map(({ effect, pod }) => [effect, pod])).toEqual([
      ["closes", "pod2"],
      ["closes", "pod3"],
      ["closes", "every other pod"],
    ]);
    const readme = readFileSync("README.md", "utf8");
    expect(readme).toContain("- { pod: pod1, secret: kbsres1 }");
    for (const line of lines) expect(readme).toContain(`    ${line}\n`);
  });

  it("is the same on every run", () => {
    expect(plan()).toEqual(tutorial);
  });

  it("changes only pod1 if pod1's log setting changes", () => {
    const changed = plan({
      ...tutorialSettings,
      pods: [{ name: "pod1", logs: false }, { name: "pod2" }, { name: "pod3" }],
    });
    expect(changed.pods[0]?.initData).not.toBe(pod1);
    expect(changed.pods.slice(1)).toEqual(tutorial.pods.slice(1));
  });
});

describe("plans in general", () => {
  it("refuse a live policy with a damaged line of another stack, together with all other problems", () => {
    const policy = '# trustee-access: stack {"stack":"organization/x/dev","others":"affirming","secrets"';
    const readers = ["one", "two"].map((name) => ({ name, initdata: "ab".repeat(32) }));
    const settings = settingsOf({ ...tutorialSettings, readers }, tutorialValues);
    const make = (stack: string) => () => planOf(settings, { certificate, policy, stack });
    const twins = "readers[1]: the same initdata as one";
    expect(problemsOf(make(STACK))).toEqual([
      twins,
      "the live resource policy: a damaged line in the policy (line 1, of the stack organization/x/dev): without it, that stack's secrets would be open to every affirming pod",
    ]);
    expect(problemsOf(make("organization/x/dev"))).toEqual([twins]);
  });

  it("refuse a new stack on a policy that lost the original text, and accept a stack that is in it", () => {
    const grants = { stack: "organization/x/dev", others: "affirming", secrets: {} } as const;
    const policy = joinPolicy("package policy\n", grants).replace('before "package', "before package");
    const settings = settingsOf(tutorialSettings, tutorialValues);
    const make = (stack: string) => () => planOf(settings, { certificate, policy, stack });
    expect(problemsOf(make(STACK))).toEqual([
      "the live resource policy: no single valid line with the text from before the first stack",
    ]);
    expect(make("organization/x/dev")).not.toThrow();
  });

  it("restrict a created secret even if nobody is granted it", () => {
    const lonely = plan({ ...tutorialSettings, grants: [] });
    expect(lonely.grants.secrets).toEqual({ "p2-secret": {} });
    expect(
      lonely.matrix.cells.filter((cell) => cell.allowed).map(({ pod, secret }) => `${pod} ${secret}`),
    ).toEqual([
      "pod1 fraud-dataset",
      "pod1 kbsres1",
      "pod2 fraud-dataset",
      "pod2 kbsres1",
      "pod3 fraud-dataset",
      "pod3 kbsres1",
    ]);
  });

  it("use an existing initdata file byte for byte", () => {
    const file = '# by hand\nalgorithm = "sha256"\nversion = "0.1.0"\n\n[data]\n"aa.toml" = ""\n\n';
    const taken = plan(
      {
        ...tutorialSettings,
        pods: [{ name: "pod1", initdataFile: "pod1.toml" }, { name: "pod2" }],
        grants: [],
      },
      { "pod1.toml": file },
    );
    expect(Buffer.from(decodeAnnotation(taken.pods[0]?.annotation ?? "")).toString("utf8")).toBe(file);
    // printf ... | sha256sum, then the tutorial's xxd pipeline.
    expect(taken.pods[0]?.initData).toBe("0d58a477a2348ccc9d10dbb399752e2d3cc3d085b1f35a7588473f5f688f71d2");
  });

  it("refuse two pods with the same initdata from two files", () => {
    const file = 'algorithm = "sha256"\nversion = "0.1.0"\n[data]\n';
    const pods = [
      { name: "pod1", initdataFile: "one.toml" },
      { name: "pod2", initdataFile: "two.toml" },
    ];
    const files = { "one.toml": file, "two.toml": file };
    expect(problemsOf(() => plan({ ...tutorialSettings, pods, grants: [] }, files))).toEqual([
      "pods[1]: the same initdata as pod1",
    ]);
  });

  it.each([
    ["no TOML", "= nothing", /^pods\[0\]\.initdataFile: a file that is not TOML/],
    ["another version", 'algorithm = "sha256"\nversion = "9"\n[data]\n', /version = "9"/],
    ["no data", 'algorithm = "sha256"\nversion = "0.1.0"\n', /no \[data\] table/],
    [
      "an algorithm that a vTPM cannot bind",
      'algorithm = "sha384"\nversion = "0.1.0"\n[data]\n',
      /algorithm = "sha384"/,
    ],
    ["an unknown algorithm", 'algorithm = "md5"\nversion = "0.1.0"\n[data]\n', /algorithm = "md5"/],
  ])("refuse an initdata file with %s", (_, file, problem) => {
    const pods = [{ name: "pod1", initdataFile: "f.toml" }];
    const found = problemsOf(() => plan({ ...tutorialSettings, pods, grants: [] }, { "f.toml": file }));
    expect(found).toEqual([expect.stringMatching(problem)]);
  });
});
