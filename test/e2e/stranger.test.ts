import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startSandbox, type Sandbox } from "../../sandbox/api.ts";
import { sharedData, type SharedData } from "./support/cluster.ts";
import { Project, type Configuration } from "./support/project.ts";
import { Stranger } from "./support/stranger.ts";

const MANY = Array.from({ length: 40 }, (_, index) => `made-${index}`);
/** Those of the many that are asked for: each so comes round several times a second. */
const ASKED = [0, 13, 26, 39].map((index) => `made-${index}/a`);

/** Secrets that the stack makes up, for the one pod of its. */
function settings(names: readonly string[]): Configuration {
  return {
    secrets: names.map((name) => ({ name, keys: ["a"], from: "generate" })),
    podDefaults: { image: "registry.example/app:1" },
    pods: [{ name: "app" }],
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
      await project.init(settings(["made-0"]));
    }, 1_800_000);
    afterAll(async () => {
      await stranger.stop();
      await project.dispose();
      await sandbox.stop();
    });

    const listed = async (): Promise<readonly string[]> => {
      const { kbsConfig } = await sharedData(sandbox);
      return (kbsConfig["kbsSecretResources"] as readonly string[]).filter((name) =>
        name.startsWith("made-"),
      );
    };
    const up = async (scenario: string, names: readonly string[]): Promise<void> => {
      project.configure(settings(names));
      await stranger.during(async () => project.up("--skip-preview"));
      stranger.expectNothingRead(scenario);
      expect((await listed()).toSorted()).toEqual([...names].sort());
      await project.expectNoChanges();
    };

    it("in a first up", async () => {
      await up("first up", ["made-0"]);
    });

    it("in an up with 40 secrets", async () => {
      await up("40 secrets", MANY);
    });

    it("while a secret, and then most of them, are removed from the settings", async () => {
      await up(
        "removal of a secret",
        MANY.filter((name) => name !== "made-13"),
      );
      await up("removal of 36 secrets", MANY.slice(0, 3));
    });

    it("in a destroy", async () => {
      await stranger.during(async () => project.destroy());
      stranger.expectNothingRead("destroy");
      expect(await sharedData(sandbox)).toEqual(before);
    });
  },
);
