import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startSandbox, upgradeSandbox, type Sandbox } from "../../sandbox/api.ts";
import { kubectl, NAMESPACE } from "../sandbox/live/support.ts";
import { cells, readable, sharedData, sharedMarks, tutorialCells } from "./support/cluster.ts";
import { devConfiguration, encryptedValue, Project, type Configuration } from "./support/project.ts";
import { Stranger } from "./support/stranger.ts";

const POLICY = "trusteeconfig-resource-policy";
const MARK = "kbs.confidentialcontainers.org/migrated-from-v1.1.0";
const THEIRS = "team-b/token";
/** Only a granted pod may read these. */
const RESTRICTED = ["fraud-dataset/dataset_key", "p2-secret/secret", THEIRS];

/** Another team's stack, with its own pod and secret. */
function otherConfiguration(): Configuration {
  const { podDefaults } = devConfiguration();
  return {
    secrets: [{ name: "team-b", keys: ["token"], from: "setting" }],
    secretValues: { "team-b": { token: encryptedValue() } },
    grants: [{ pod: "b1", secret: "team-b" }],
    podDefaults: { ...(podDefaults as Configuration), execCurl: [THEIRS, "p2-secret/secret"] },
    pods: [{ name: "b1" }],
  };
}

/** The tutorial's stack and the other team's, on Red Hat's Trustee 1.1, and a pod without grants. */
class Shared {
  readonly sandbox: Sandbox;
  readonly tutorial: Project;
  readonly other: Project;
  readonly stranger: Stranger;

  private constructor(sandbox: Sandbox, tutorial: Project, other: Project, stranger: Stranger) {
    this.sandbox = sandbox;
    this.tutorial = tutorial;
    this.other = other;
    this.stranger = stranger;
  }

  static async start(name: string): Promise<Shared> {
    const sandbox = await startSandbox({ name, trustee: "0.18", operator: "red-hat" });
    const stranger = await Stranger.start(sandbox, RESTRICTED);
    const tutorial = new Project(sandbox, "tutorial");
    const other = new Project(sandbox, "other");
    await tutorial.init(devConfiguration());
    await other.init(otherConfiguration());
    await tutorial.up();
    await other.up();
    return new Shared(sandbox, tutorial, other, stranger);
  }

  async stop(): Promise<void> {
    await this.stranger.stop();
    await this.other.dispose();
    await this.tutorial.dispose();
    await this.sandbox.stop();
  }

  async policyMap(): Promise<{
    readonly data: Readonly<Record<string, string>>;
    readonly annotations: Readonly<Record<string, string>>;
  }> {
    const { data = {} } = (await sharedData(this.sandbox)).configMaps[POLICY] ?? {};
    const { annotations = {} } = (await sharedMarks(this.sandbox))[`ConfigMap/${POLICY}`] ?? {};
    return { data, annotations };
  }
}

describe("an update of Red Hat's operator from 1.1 to 1.2 under two unprepared stacks", () => {
  let shared: Shared;

  beforeAll(async () => {
    shared = await Shared.start("e2e-redhat");
  }, 1_800_000);
  afterAll(async () => {
    await shared.stop();
  });

  it("causes a warning in a preview on 1.1", async () => {
    const { stdout } = await shared.tutorial.preview("--expect-no-changes");
    expect(stdout.replaceAll(/\s+/g, " ")).toContain(
      "The update of Red Hat's operator from 1.1 to 1.2, which may run without your approval, deletes the policy",
    );
  });

  it("installs the stock policy, which gives every secret to any attested pod", async () => {
    await upgradeSandbox(shared.sandbox.name);
    const { data, annotations } = await shared.policyMap();
    expect(Object.keys(data)).toEqual(["resource-policy.rego"]);
    expect(annotations[MARK]).toBe("v1.2.0");
    // Polls: the pods' exec may not answer at once.
    const readsAll = async (): Promise<boolean> => readable(shared.sandbox, "pod3", "p2-secret/secret");
    await expect.poll(readsAll, { timeout: 60_000 }).toBe(true);
  });

  it("causes a warning in the next preview of either stack about the missing grants of the other one", async () => {
    for (const [project, missed] of [
      [shared.tutorial, "other"],
      [shared.other, "tutorial"],
    ] as const) {
      const { stdout } = await project.preview();
      expect(stdout.replaceAll(/\s+/g, " ")).toMatch(
        new RegExp(`The resource policy has lost the grants of other stacks: \\S+/${missed} `),
      );
    }
  });

  it("ends with the up of one stack, which restricts the other's secrets again; its pods can still read them", async () => {
    await shared.other.up();
    await shared.stranger.during(async () => {
      expect(await readable(shared.sandbox, "pod3", "p2-secret/secret")).toBe(false);
      expect(await readable(shared.sandbox, "b1", "p2-secret/secret")).toBe(false);
      expect(await readable(shared.sandbox, "b1", THEIRS)).toBe(true);
      expect(await readable(shared.sandbox, "pod2", "p2-secret/secret")).toBe(true);
      await shared.tutorial.up();
    });
    shared.stranger.expectNothingRead("after Red Hat's update, the second stack's up");
    expect(await cells(shared.sandbox)).toEqual(tutorialCells);
    await shared.tutorial.expectNoChanges();
    await shared.other.expectNoChanges();
  });

  it("leaves 1.2's stock policy after destroy of both stacks", async () => {
    await shared.stranger.during(async () => shared.tutorial.destroy());
    await shared.other.destroy();
    const { data, annotations } = await shared.policyMap();
    expect(Object.keys(data)).toEqual(["resource-policy.rego"]);
    expect(data["resource-policy.rego"]).not.toContain("trustee-access");
    expect(annotations[MARK]).toBe("v1.2.0");
    const { kbsConfig } = await sharedData(shared.sandbox);
    expect(JSON.stringify(kbsConfig)).not.toContain("team-b");
  });
});

describe("an update of Red Hat's operator from 1.1 to 1.2, prepared as the warning advises,", () => {
  let shared: Shared;

  beforeAll(async () => {
    shared = await Shared.start("e2e-redhat-prepared");
  }, 1_800_000);
  afterAll(async () => {
    await shared.stop();
  });

  it("gives no pod a secret that the policy denies: before, during and after the update", async () => {
    const { tutorial, other, sandbox, stranger } = shared;
    await stranger.during(async () => {
      // The same change as the jq filter in the warning.
      const live = JSON.parse(
        await kubectl(sandbox, ["get", "configmap", POLICY, "-n", NAMESPACE, "-o", "json"]),
      ) as {
        readonly metadata: { readonly annotations?: Readonly<Record<string, string>> };
        readonly data: Readonly<Record<string, string>>;
      };
      const prepared = {
        ...live,
        metadata: {
          ...live.metadata,
          annotations: { ...live.metadata.annotations, [MARK]: "v1.2.0" },
        },
        data: { ...live.data, "resource-policy.rego": live.data["policy.rego"] },
      };
      const input = JSON.stringify(prepared);
      expect(await sandbox.kubectl(["replace", "-f", "-"], { input })).toMatchObject({
        exitCode: 0,
        stderr: "",
      });
      await upgradeSandbox(sandbox.name);
      await tutorial.up();
      await other.up();
    });
    stranger.expectNothingRead("Red Hat's update, prepared");
    expect(await cells(sandbox)).toEqual(tutorialCells);
    expect(await readable(sandbox, "b1", THEIRS)).toBe(true);
    expect(await readable(sandbox, "b1", "p2-secret/secret")).toBe(false);
  });

  it("leaves nothing of the stacks after their destroy", async () => {
    const { tutorial, other, stranger } = shared;
    await stranger.during(async () => other.destroy());
    stranger.expectNothingRead("destroy after Red Hat's update");
    await tutorial.destroy();
    const { data } = await shared.policyMap();
    expect(JSON.stringify(data)).not.toContain("trustee-access");
  });
});
