import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { generations } from "../../core/trustee/generation.ts";
import type { Sandbox } from "../../sandbox/api.ts";
import { api } from "./support/api.ts";
import { initdataAnnotation, NAMESPACE, podUids, readable, sharedData } from "./support/cluster.ts";
import { create, foreignPod, isReady, ready, remove } from "./support/objects.ts";
import { Project, type Configuration } from "./support/project.ts";
import { Stranger } from "./support/stranger.ts";
import { takeSandbox } from "./support/shared-sandbox.ts";

const PATH = "fraud-dataset/dataset_key";
const CONTROL_PATH = "kbsres1/key1";

/** No node has room for it: it never becomes ready. Pulumi waits for a short time only. */
const nowhere: Configuration = {
  resources: { requests: { cpu: "1000000" } },
  annotations: { "pulumi.com/timeoutSeconds": "5" },
};

interface Release {
  readonly release: string;
  /** More settings of the pod `app`. */
  readonly app?: Configuration;
  readonly more?: Configuration;
}

/** A Pod and a Deployment whose initdata changes with the release, and a pod whose initdata stays. */
function settings({ release, app = {}, more = {} }: Release): Configuration {
  const claims = { release };
  return {
    secrets: [
      { name: "fraud-dataset", keys: ["dataset_key"] },
      { name: "kbsres1", keys: ["key1"] },
    ],
    podDefaults: { image: "registry.example/app:1", execCurl: [PATH, CONTROL_PATH] },
    pods: [
      { name: "app", claims, ...app },
      { name: "web", kind: "Deployment", replicas: 2, claims },
      { name: "control" },
    ],
    grants: [
      { pod: "app", secret: "fraud-dataset" },
      { pod: "web", secret: "fraud-dataset" },
      { pod: "control", secret: "kbsres1" },
    ],
    ...more,
  };
}

describe.each(generations)("a change of initdata, on Trustee %s", (trustee) => {
  let sandbox: Sandbox;
  let project: Project;
  let stranger: Stranger;
  let before: unknown;

  beforeAll(async () => {
    sandbox = await takeSandbox(trustee);
    // The settings restrict kbsres1, so the stranger's control path is another one.
    stranger = await Stranger.start(sandbox, [PATH], "trustee-image-policy/policy");
    before = await sharedData(sandbox);
    project = new Project(sandbox, "rotation");
    await project.init(settings({ release: "1" }));
    await project.up();
    // Starts here: before `up`, every pod could read the secret.
    stranger.watch();
  }, 1_800_000);
  afterAll(async () => {
    await stranger.stop();
    await project.dispose();
    await sandbox.stop();
  });

  /** A pod with the current initdata of `app`: a pod of the previous release during a rotation. */
  const witness = async (name: string): Promise<string> => {
    const pod = foreignPod(name, await initdataAnnotation(sandbox, "app"));
    expect(await create(sandbox, pod)).toBe("");
    await ready(sandbox, [name]);
    expect(await readable(sandbox, name, PATH)).toBe(true);
    return name;
  };
  const shared = async (): Promise<string> => JSON.stringify(await sharedData(sandbox));
  /** The claim `init_data` of `app`, from the stack's outputs. */
  const claim = async (): Promise<string> =>
    ((await project.outputs())["initData"] as Readonly<Record<string, string>>)["app"] ?? "";
  const appUid = async (): Promise<string | undefined> => (await podUids(sandbox))["app"];
  /** True if another pod `app` than this one is Ready. */
  const successorReady = async (uid: string | undefined): Promise<boolean> => {
    const app = await api(sandbox).get({ kind: "Pod", namespace: "default", name: "app" });
    return app !== undefined && app.metadata.uid !== uid && isReady(app);
  };
  const served = (): Promise<boolean> => readable(sandbox, "control", CONTROL_PATH);
  /**
   * True if the KBS denies the witness twice. The control pod reads before, between and after, so the KBS is
   * running.
   */
  const denied = async (name: string): Promise<boolean> =>
    (await served()) &&
    !(await readable(sandbox, name, PATH)) &&
    (await served()) &&
    !(await readable(sandbox, name, PATH)) &&
    (await served());

  /** Calls `look` repeatedly while `pulumi up` runs. */
  const duringUp = async (look: () => Promise<void>): Promise<void> => {
    const up = { ended: false };
    const running = project.up().finally(() => {
      up.ended = true;
    });
    try {
      while (!up.ended) await look();
    } finally {
      await running;
    }
  };

  it("keeps the previous digest accepted until the new pods are ready", async () => {
    const name = await witness("witness-1");
    const [uid, former] = [await appUid(), await claim()];
    project.configure(settings({ release: "2" }));
    expect((await project.preview()).stdout).toContain(
      "initdata changes for app, web: the previous one stays accepted until the new pod is ready",
    );
    let servedMeanwhile = 0;
    await duringUp(async () => {
      const listed = (await shared()).includes("app (former initdata)");
      const read = await readable(sandbox, name, PATH);
      if (listed && read) servedMeanwhile += 1;
      if (!read && (await denied(name))) expect(await successorReady(uid)).toBe(true);
    });
    expect(servedMeanwhile).toBeGreaterThan(0);
    expect(await denied(name)).toBe(true);
    expect(await readable(sandbox, "app", PATH)).toBe(true);
    expect(await readable(sandbox, await podOfWeb(), PATH)).toBe(true);
    const now = await shared();
    expect({ former: now.includes(former), now: now.includes(await claim()) }).toEqual({
      former: false,
      now: true,
    });
    await project.expectNoChanges();
  });

  const podOfWeb = (): Promise<string> =>
    api(sandbox)
      .list("Pod", "default", "trustee-access/workload=web")
      .then(([pod]) => pod?.metadata.name ?? "");

  it("keeps the grace period if the pod does not start, shows it in a preview, and ends it with the next run", async () => {
    const name = await witness("witness-2");
    project.configure(settings({ release: "3", app: nowhere }));
    const failed = await project.pulumi("up", "--yes", "--skip-preview", "--stack", project.stack);
    expect(failed.exitCode).not.toBe(0);
    expect(await readable(sandbox, name, PATH)).toBe(true);

    project.configure(settings({ release: "3" }));
    const preview = await project.preview("--diff");
    expect(preview.stdout + preview.stderr).toContain("the previous initdata of app, web is still accepted");
    await project.up();
    expect(await denied(name)).toBe(true);
    expect(await readable(sandbox, "app", PATH)).toBe(true);
    await project.expectNoChanges();
  });

  it("denies the previous digest before the new pod exists, without a grace period", async () => {
    const name = await witness("witness-3");
    const more = { rotation: "at-once" };
    project.configure(settings({ release: "4", app: nowhere, more }));
    const failed = await project.pulumi("up", "--yes", "--skip-preview", "--stack", project.stack);
    expect(failed.exitCode).not.toBe(0);
    expect((await shared()).includes("former initdata")).toBe(false);
    expect(await denied(name)).toBe(true);

    project.configure(settings({ release: "4", more }));
    await project.up();
    expect(await readable(sandbox, "app", PATH)).toBe(true);
    await project.expectNoChanges();
  });

  it("restarts Trustee only if the initdata differs, and leaves the original content after destroy", async () => {
    const pods = await podUids(sandbox, NAMESPACE);
    project.configure(settings({ release: "4", app: { labels: { a: "b" } } }));
    await project.up();
    expect(await podUids(sandbox, NAMESPACE)).toEqual(pods);
    await stranger.stop();
    stranger.expectNothingRead("changes of initdata");
    for (const name of ["witness-1", "witness-2", "witness-3"]) await remove(sandbox, "Pod", name, "default");
    await project.destroy();
    expect(await sharedData(sandbox)).toEqual(before);
  });
});
