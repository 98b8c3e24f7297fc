import { symlinkSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Finding } from "../../cli/lint/finding.ts";
import { startSandbox, type Sandbox } from "../../sandbox/api.ts";
import { command } from "../cli/support/run.ts";
import { explain, verify } from "./support/access.ts";
import { sharedData, type SharedData } from "./support/cluster.ts";
import { patch, remove } from "./support/objects.ts";
import { Project, type Configuration } from "./support/project.ts";
import { Stranger } from "./support/stranger.ts";

const MANY = Array.from({ length: 24 }, (_, index) => `made-${index}`);
/** The secrets that the stranger requests. They are few, so that it requests each several times a second. */
const ASKED = [0, 8, 16, 23].map((index) => `made-${index}/a`);

/** Secrets that the stack generates for its one pod. */
function settings(names: readonly string[], release = "1"): Configuration {
  return {
    secrets: names.map((name) => ({ name, keys: ["a"], from: "generate" })),
    podDefaults: { image: "registry.example/app:1", execCurl: names.slice(0, 3).map((name) => `${name}/a`) },
    pods: [{ name: "app", claims: { release } }],
    grants: names.map((secret) => ({ pod: "app", secret })),
  };
}

/** Upstream's operators, and Red Hat's 1.1 and 1.2. */
const variants = [
  { trustee: "0.18", operator: "upstream" },
  { trustee: "0.21", operator: "upstream" },
  { trustee: "0.18", operator: "red-hat" },
  { trustee: "0.21", operator: "red-hat" },
] as const;

describe.each(variants)(
  "a stranger never reads a secret that a stack creates, on Trustee $trustee by $operator",
  ({ trustee, operator }) => {
    let sandbox: Sandbox;
    let project: Project;
    let stranger: Stranger;
    let before: SharedData;

    beforeAll(async () => {
      sandbox = await startSandbox({
        name: `e2e-stranger-${operator}-${trustee.replace(".", "-")}`,
        trustee,
        operator,
      });
      stranger = await Stranger.start(sandbox, ASKED);
      before = await sharedData(sandbox);
      project = new Project(sandbox, "stranger");
      symlinkSync(resolve("cli"), join(project.folder, "cli"));
      await project.init(settings(["made-0"]));
    }, 1_800_000);
    afterAll(async () => {
      await stranger.stop();
      await project.dispose();
      await sandbox.stop();
    });

    const registered = async (): Promise<readonly string[]> => {
      const { kbsConfig } = await sharedData(sandbox);
      return kbsConfig["kbsSecretResources"] as readonly string[];
    };
    const up = async (scenario: string, names: readonly string[], release?: string): Promise<void> => {
      project.configure(settings(names, release));
      await stranger.during(async () => project.up());
      stranger.expectNothingRead(scenario);
      const made = (await registered()).filter((name) => name.startsWith("made-"));
      expect(made.toSorted()).toEqual([...names].sort());
      await project.expectNoChanges();
    };

    it("in a first up", async () => {
      await up("first up", ["made-0"]);
    });

    it("in an up with many secrets", async () => {
      await up("many secrets", MANY);
    });

    it("while one secret, then most secrets, are removed from the settings", async () => {
      await up(
        "removal of a secret",
        MANY.filter((name) => name !== "made-8"),
      );
      await up("removal of most secrets", MANY.slice(0, 3));
    });

    it("while up fixes drift", async () => {
      const others = (await registered()).filter((name) => name !== "made-1");
      const spec = { kbsSecretResources: others };
      await patch(sandbox, "KbsConfig", "trusteeconfig-kbs-config", { spec });
      await remove(sandbox, "Secret", "made-0");
      expect((await project.preview("--expect-no-changes")).exitCode).not.toBe(0);
      await up("drift", MANY.slice(0, 3));
    });

    it("while the pod's initdata changes", async () => {
      await up("rotation", MANY.slice(0, 3), "2");
    });

    it("and verify, lint and explain report no problem", async () => {
      const subject = { sandbox, project };
      const { exitCode, stdout } = await verify(subject);
      expect({ exitCode, printed: exitCode === 0 ? "" : stdout }).toEqual({ exitCode: 0, printed: "" });
      const cell = await explain(subject, "app", "made-0/a");
      expect({ verdict: cell.verdict, log: cell.log?.outcome }).toEqual({ verdict: "allowed", log: "given" });
      const args = ["lint", "--stack", project.stack, "--json"];
      const linted = await command(sandbox, args, { cwd: project.folder });
      const { ok, findings } = JSON.parse(linted.stdout) as { ok: boolean; findings: readonly Finding[] };
      const errors = findings.filter(({ severity }) => severity === "error");
      expect({ ok, errors }).toEqual({ ok: true, errors: [] });
    });

    it("in a destroy", async () => {
      await stranger.during(async () => project.destroy());
      stranger.expectNothingRead("destroy");
      expect(await sharedData(sandbox)).toEqual(before);
    });
  },
);
