import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Sandbox } from "../../sandbox/api.ts";
import { command } from "../cli/support/run.ts";
import { cells, configuration, explain, startSubject, step, verify, type Subject } from "./support/access.ts";
import { patch } from "./support/objects.ts";
import type { Project } from "./support/project.ts";
import { filesIn, leaks } from "./support/secrecy.ts";

let sandbox: Sandbox;
let project: Project;

beforeAll(async () => {
  ({ sandbox, project } = await startSubject("access"));
}, 1_800_000);
afterAll(async () => {
  await project.dispose();
  await sandbox.stop();
});

const subject = (): Subject => ({ sandbox, project });

describe("verify", () => {
  it("reports why each cell is denied", async () => {
    expect(await cells(subject())).toEqual({
      pod1: {
        "fraud-dataset/dataset_key": "read",
        "fraud-dataset/missing_key": "!absent",
        "kbsres1/key1": "read",
        "p2-secret/secret": "policy-denied",
      },
      pod2: {
        "fraud-dataset/dataset_key": "policy-denied",
        "fraud-dataset/missing_key": "!exec-refused",
        "kbsres1/key1": "!exec-refused",
        "p2-secret/secret": "read",
      },
      pod3: {
        "fraud-dataset/dataset_key": "policy-denied",
        "fraud-dataset/missing_key": "policy-denied",
        "kbsres1/key1": "read",
        "p2-secret/secret": "policy-denied",
      },
    });
  });

  it("prints a table, and describes the differences", async () => {
    const { exitCode, stdout } = await verify(subject());
    expect(exitCode).toBe(1);
    expect(stdout)
      .toBe(`┌──────────────┬───────────────────────────┬───────────────────────────┬─────────────────┬────────────────────────┐
│ pod          │ fraud-dataset/dataset_key │ fraud-dataset/missing_key │ kbsres1/key1    │ p2-secret/secret       │
├──────────────┼───────────────────────────┼───────────────────────────┼─────────────────┼────────────────────────┤
│ default/pod1 │ ✓ read                    │ ! absent                  │ ✓ read          │ ✗ denied by the policy │
│              │ as expected               │ EXPECTED ✓ read           │ as expected     │ as expected            │
├──────────────┼───────────────────────────┼───────────────────────────┼─────────────────┼────────────────────────┤
│ default/pod2 │ ✗ denied by the policy    │ ! exec-refused            │ ! exec-refused  │ ✓ read                 │
│              │ as expected               │ EXPECTED ✗ denied         │ EXPECTED ✓ read │ as expected            │
├──────────────┼───────────────────────────┼───────────────────────────┼─────────────────┼────────────────────────┤
│ default/pod3 │ ✗ denied by the policy    │ ✗ denied by the policy    │ ✓ read          │ ✗ denied by the policy │
│              │ as expected               │ as expected               │ as expected     │ as expected            │
└──────────────┴───────────────────────────┴───────────────────────────┴─────────────────┴────────────────────────┘
3 of 12 cells differ from the stack's access matrix.
  absent: the policy allows it, but the KBS has no such secret, by its log
  exec-refused: the pod's agent policy denies this exec command`);
  });

  it("reports that it may not read the log", async () => {
    const { pod3 } = await cells(subject(), "--no-log");
    expect(pod3).toEqual({
      "fraud-dataset/dataset_key": "denied",
      "fraud-dataset/missing_key": "denied",
      "kbsres1/key1": "read",
      "p2-secret/secret": "denied",
    });
    const { stdout } = await verify(subject(), "--no-log");
    expect(stdout.split("\n").at(-1)).toBe("The reason is unknown for 6 denied cells: --no-log was given.");
  });

  it("exits with 2 if it cannot run", async () => {
    const { exitCode, stderr } = await command(sandbox, ["verify", "--stack", "none"], {
      cwd: project.folder,
    });
    expect({ exitCode, printed: stderr.includes("The stack cannot be read") }).toEqual({
      exitCode: 2,
      printed: true,
    });
  });
});

describe("explain", () => {
  it("compares a denied pod's digest with the granted one, and quotes the log", async () => {
    const initData = (await project.outputs())["initData"] as Readonly<Record<string, string>>;
    const { verdict, conditions, log } = await explain(subject(), "pod3", "p2-secret/secret");
    expect({ verdict, log: log?.outcome, own: log?.own }).toEqual({
      verdict: "denied",
      log: "denied",
      own: true,
    });
    expect(conditions.filter(({ status }) => status !== "holds")).toMatchObject([
      {
        id: "policy",
        status: "fails",
        expected: [`${initData["pod2"] ?? ""} (pod2)`],
        seen: initData["pod3"],
      },
    ]);
  });

  it("explains an allowed pod, and a request for a missing resource", async () => {
    const { verdict, because, next } = await explain(subject(), "default/pod2", "p2-secret/secret");
    expect({ verdict, because, next }).toEqual({
      verdict: "allowed",
      because: "Because the pod attests well, and the policy grants the secret to this digest (pod2).",
      next: [],
    });
    expect(await explain(subject(), "pod1", "fraud-dataset/missing_key")).toMatchObject({
      verdict: "denied",
      because: 'Because Secret "fraud-dataset" has no key "missing_key".',
      log: { outcome: "denied", own: true },
    });
  });

  it("warns about an annotation that was edited after the pod started", async () => {
    const annotations = (await project.outputs())["annotations"] as Readonly<Record<string, string>>;
    const edited = { "io.katacontainers.config.hypervisor.cc_init_data": annotations["pod3"] };
    await patch(sandbox, "Pod", "pod2", { metadata: { annotations: edited } }, "default");
    const { conditions, next } = await explain(subject(), "pod2", "p2-secret/secret");
    expect(conditions.filter(({ status }) => status !== "holds").map(({ id }) => id)).toEqual([
      "declared",
      "unedited",
      "policy",
    ]);
    expect(next).toContain("Run pulumi up to replace the pod.");
    await project.up();
    expect((await explain(subject(), "pod2", "p2-secret/secret")).verdict).toBe("allowed");
  });

  it.each([
    [
      ["pod1", "p2-secret"],
      'TA951 "p2-secret" is not a secret\'s key. Give secret/key, for example p2-secret/secret.',
    ],
    [["a/b/c", "p2-secret/secret"], 'TA951 "a/b/c" is not a pod\'s name. Give pod or namespace/pod.'],
  ])("refuses %j", async (args, message) => {
    const { exitCode, stderr } = await command(sandbox, ["explain", ...args, "--stack", "access"], {
      cwd: project.folder,
    });
    expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: message });
  });
});

describe("the workflow's steps", () => {
  it("accept a pull request that opens no cell", async () => {
    expect(await step(subject(), "pull-request", "Compare the access matrix")).toMatchObject({
      exitCode: 0,
      stdout: "No access changes.",
    });
  });

  it("reject one that opens a cell, unless its label allows it", async () => {
    const grants = [
      ...(configuration()["grants"] as readonly object[]),
      { pod: "pod3", secret: "p2-secret" },
    ];
    project.configure({ ...configuration(), grants });
    expect(await step(subject(), "pull-request", "Compare the access matrix")).toMatchObject({
      exitCode: 1,
      stdout: "OPENS   pod3 -> p2-secret/secret (was: not among its readers; will be: granted)",
    });
    expect(await readFile(join(project.folder, "access.md"), "utf8")).toContain(
      "| `pod3` | ✗ denied | ✗ denied | ✓ may read | **✓ may read** (opens) |",
    );
    const allowed = await step(subject(), "pull-request", "Compare the access matrix", {
      ALLOW: "--allow-opens",
    });
    expect(allowed.exitCode).toBe(0);
  });

  it("report why a preview failed, without showing a secret", async () => {
    const labelled = {
      ...configuration(),
      podDefaults: { ...(configuration()["podDefaults"] as object), labels: { "not a label": "x" } },
    };
    project.configure(labelled);
    const { exitCode, stdout, stderr } = await step(subject(), "pull-request", "Compare the access matrix");
    expect({ exitCode, printed: stderr.includes("not a label") }).toEqual({ exitCode: 2, printed: true });
    expect(leaks("Pod 2 secret!", { stdout, stderr, ...filesIn(project.folder) })).toEqual([]);
    project.configure(configuration());
  });

  it("report a change as drift, and no drift once it is deployed", async () => {
    project.configure({ ...configuration(), grants: [] });
    expect((await step(subject(), "watch", "Find drift")).exitCode).not.toBe(0);
    project.configure(configuration());
    expect((await step(subject(), "watch", "Find drift")).exitCode).toBe(0);
  });

  it("lint, and read every cell, with reports", async () => {
    expect((await step(subject(), "watch", "Lint Trustee")).exitCode).toBe(0);
    expect((await step(subject(), "watch", "Read every cell")).exitCode).toBe(1);
    const [sarif, junit] = await Promise.all(
      ["lint.sarif", "verify.xml"].map(async (file) => readFile(join(project.folder, file), "utf8")),
    );
    expect(JSON.parse(sarif ?? "")).toMatchObject({ version: "2.1.0" });
    expect(junit).toContain('<testsuites name="verify" tests="12" failures="3">');
  });
});
