import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Sandbox } from "../../sandbox/api.ts";
import { cells, sharedData, tutorialCells, type SharedData } from "./support/cluster.ts";
import { devConfiguration, Project } from "./support/project.ts";
import { takeSandbox } from "./support/shared-sandbox.ts";

const KUBECONFIG = "clusters.yaml";

let sandbox: Sandbox;
let before: SharedData;
let project: Project;

/** A checkout of the project that contains a kubeconfig. The settings name it by a relative path. */
function checkout(): Project {
  const made = new Project(sandbox, "anew");
  copyFileSync(sandbox.kubeconfig, join(made.folder, KUBECONFIG));
  const cluster = { kubeconfig: KUBECONFIG };
  made.configure({ ...devConfiguration(), trustee: cluster, podCluster: cluster });
  return made;
}

beforeAll(async () => {
  sandbox = await takeSandbox();
  before = await sharedData(sandbox);
  project = checkout();
  await project.succeed(...project.initArguments);
  await project.up();
}, 1_800_000);
afterAll(async () => {
  await project.dispose();
  await sandbox.stop();
});

/** The URNs of every resource of these types; there is at least one of each. */
async function urnsOf(types: readonly string[]): Promise<readonly string[]> {
  const { deployment } = JSON.parse(await project.state()) as {
    readonly deployment: { readonly resources: readonly { readonly urn: string; readonly type: string }[] };
  };
  const found = deployment.resources.filter(({ type }) => types.includes(type));
  expect(new Set(found.map(({ type }) => type))).toEqual(new Set(types));
  return found.map(({ urn }) => urn);
}

describe("another checkout of the project, in another folder", () => {
  it("has no changes: the state contains no path of the original folder", async () => {
    expect(await project.state()).not.toContain(project.folder);
    const other = checkout();
    expect(other.folder).not.toBe(project.folder);
    await other.expectNoChanges();
  });
});

describe("a replacement on request", () => {
  it.each([
    [
      "edits of Trustee's objects",
      ["trustee:index:ResourcePolicy", "trustee:index:ReferenceValues", "trustee:index:KbsSecretEntry"],
    ],
    // The policy removes the entries that it restricts. They are not replaced on request.
    ["the policy alone", ["trustee:index:ResourcePolicy"]],
    ["objects of its own", ["kubernetes:core/v1:Secret", "kubernetes:core/v1:Pod"]],
  ])("is complete afterwards, without duplicates, and is deleted with the stack: %s", async (_, types) => {
    const live = await sharedData(sandbox);
    const urns = await urnsOf(types);
    await project.up(...urns.flatMap((urn) => ["--replace", urn]));
    expect(await sharedData(sandbox)).toEqual(live);
    await project.expectNoChanges();
    expect(await cells(sandbox)).toEqual(tutorialCells);
  });

  it("keeps the original content, so that destroy restores it", async () => {
    await project.destroy();
    expect(await sharedData(sandbox)).toEqual(before);
  });
});
