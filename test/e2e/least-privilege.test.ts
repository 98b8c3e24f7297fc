import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { generations, type Generation } from "../../core/trustee/generation.ts";
import { type CommandResult, type Sandbox } from "../../sandbox/api.ts";
import { verify } from "./support/access.ts";
import { kubeconfigOf } from "./support/account.ts";
import { cells, NAMESPACE, sharedData, tutorialCells, type SharedData } from "./support/cluster.ts";
import { createSecret, patch, removeFound } from "./support/objects.ts";
import { devConfiguration, Project, type Configuration } from "./support/project.ts";
import { grant, rightsOf, sides, withOptionalRules, type Side } from "./support/rbac.ts";
import { Stranger } from "./support/stranger.ts";
import { takeSandbox } from "./support/shared-sandbox.ts";

/** For each right, the cheapest command that needs it. They run in this order, on one stack. */
const commands = [
  "preview",
  "verify",
  "up: a secret to register",
  "up: a secret to create",
  "up: a missing pod",
  "up: a secret's changed value",
  "up: a grant",
  "destroy",
] as const;
type Command = (typeof commands)[number];

interface Use {
  /** The command that fails without it. Absent: none of these. */
  readonly by?: Command;
  /** The only generation of Trustee that needs it. @default both */
  readonly on?: Generation;
  /** The manifest's comment on who does not need it. */
  readonly says?: RegExp;
}

/** Only Pulumi's Kubernetes provider needs it; without some of these it hangs. */
const forPlugin: Use = { says: /The Kubernetes provider (watches|reports)/ };

const table: Readonly<Record<Side, Readonly<Record<string, Use>>>> = {
  "trustee-side": {
    "kbsconfigs get": { by: "preview" },
    "kbsconfigs patch": { by: "up: a secret to register" },
    "trusteeconfigs get": { says: /Without this right it is assumed to be trustee-tls-cert/ },
    "configmaps get": { by: "preview" },
    "configmaps patch": { by: "up: a grant" },
    "secrets get": { by: "preview" },
    "secrets create": { by: "up: a secret to create" },
    "secrets patch": { by: "up: a secret to create" },
    "secrets delete": { by: "destroy" },
    "secrets list": forPlugin,
    "secrets watch": forPlugin,
    "deployments get": { by: "preview" },
    "deployments patch": { by: "up: a grant", on: "0.18", says: /Not needed from 0\.19 on/ },
    "pods list": { by: "preview" },
    "pods/eviction create": {
      by: "up: a secret's changed value",
      on: "0.21",
      says: /Up to 0\.18 this is needed only if/,
    },
    "events list": forPlugin,
    "events watch": forPlugin,
    "namespaces get": { says: /Without it, a cluster is identified only by its URL and CA/ },
    "routes get": { by: "preview", says: /Not needed if the setting trustee\.url is set/ },
  },
  "pod-side": {
    "pods get": { by: "preview" },
    "pods create": { by: "up: a missing pod" },
    "pods patch": { by: "up: a missing pod" },
    "pods delete": { by: "destroy" },
    "pods list": { by: "preview" },
    "pods watch": forPlugin,
    "events list": forPlugin,
    "events watch": forPlugin,
    "pods/exec create": { by: "verify", says: /Only for `npx trustee-access verify`/ },
  },
};

/** Checked on 0.21: the rights that only 0.21 needs, and those for the writes of the provider `trustee`. */
const alsoOn021 = ["kbsconfigs patch", "configmaps patch", "pods/eviction create"];

interface Case {
  readonly side: Side;
  readonly right: string;
  readonly by: Command;
}

/** Every right that some command needs, in the order of the commands. */
function casesOn(trustee: Generation): readonly Case[] {
  const all = (Object.keys(sides) as Side[]).flatMap((side) =>
    Object.entries(table[side]).flatMap(([right, { by, on = trustee }]) =>
      by === undefined || on !== trustee ? [] : [{ side, right, by }],
    ),
  );
  // The grant that fails at the restart comes last; a pod is deleted before the secrets.
  const order = ({ side, right, by }: Case): number =>
    commands.indexOf(by) * 10 + (right === "deployments patch" ? 5 : 0) + (side === "pod-side" ? 0 : 1);
  return all.sort((a, b) => order(a) - order(b));
}

describe("the shipped Roles", () => {
  it.each(Object.keys(sides) as Side[])(
    "grant only rights that a command needs, or whose comment says who does not need them: %s",
    (side) => {
      const rights = rightsOf(side);
      const names = rights.map(({ resource, verb }) => `${resource} ${verb}`);
      expect([...names].sort()).toEqual(Object.keys(table[side]).sort());
      for (const { resource, verb, comment } of rights) {
        const { by, on, says } = table[side][`${resource} ${verb}`] ?? {};
        const always = by !== undefined && by !== "verify" && on === undefined;
        expect({ right: `${resource} ${verb}`, documented: always || says !== undefined }).toMatchObject({
          documented: true,
        });
        if (says !== undefined) expect(comment).toMatch(says);
      }
    },
  );
});

describe.each(generations)("accounts with only the necessary rights, on Trustee %s", (trustee) => {
  const cases = casesOn(trustee);
  let sandbox: Sandbox;
  let project: Project;
  let stranger: Stranger;
  let before: SharedData;
  let configuration: Configuration;

  /** @param without leaves out this right; the rights for the Kubernetes provider stay */
  async function grantNeeded(without?: Case): Promise<void> {
    for (const side of Object.keys(sides) as Side[]) {
      await grant(sandbox, side, ({ resource, verb }) => {
        const right = `${resource} ${verb}`;
        if (side === without?.side && right === without.right) return false;
        if (table[side][right] === forPlugin) return true;
        return cases.some((one) => one.side === side && one.right === right);
      });
    }
  }

  beforeAll(async () => {
    sandbox = await takeSandbox(trustee);
    await createSecret(sandbox, "more");
    await grantNeeded();
    stranger = await Stranger.start(sandbox, ["p2-secret/secret"]);
    before = await sharedData(sandbox);
    project = new Project(sandbox, "rbac");
    configuration = {
      ...devConfiguration(),
      trustee: { kubeconfig: await kubeconfigOf(sandbox, project, NAMESPACE, "trustee-access") },
      podCluster: { kubeconfig: await kubeconfigOf(sandbox, project, "default", "trustee-access-pods") },
    };
    await project.init(configuration);
    stranger.watch();
  }, 1_800_000);
  afterAll(async () => {
    await stranger.stop();
    await grantNeeded();
    await project.dispose();
    await sandbox.stop();
  });

  /** Creates the situation in which a command needs its right. */
  async function prepare(command: Command): Promise<void> {
    const list = (name: string): readonly object[] => configuration[name] as readonly object[];
    const more = (name: string, one: object): void => {
      project.configure({ ...configuration, [name]: [...list(name), one] });
    };
    project.configure(configuration);
    switch (command) {
      case "up: a secret to register":
        more("secrets", { name: "more", keys: ["a"] });
        break;
      case "up: a secret to create":
        more("secrets", { name: "made", keys: ["a"], from: "generate" });
        break;
      case "up: a grant":
        more("grants", { pod: "pod3", secret: "p2-secret" });
        break;
      case "up: a missing pod":
        await removeFound(sandbox, "Pod", "pod3", "default");
        break;
      case "up: a secret's changed value":
        await patch(sandbox, "Secret", "p2-secret", { stringData: { secret: "somebody's" } });
        break;
      case "preview":
      case "verify":
      case "destroy":
    }
  }

  async function run(command: Command): Promise<CommandResult> {
    if (command === "verify") return verify({ sandbox, project });
    if (command === "preview") return project.preview();
    const [name = ""] = command.split(":");
    return project.pulumi(name, "--yes", "--skip-preview", "--stack", project.stack);
  }

  it("can run preview, up, refresh and verify", async () => {
    expect((await project.preview()).exitCode).toBe(0);
    await project.up();
    expect(await cells(sandbox)).toEqual(tutorialCells);
    await project.succeed("refresh", "--yes", "--stack", project.stack);
    await project.expectNoChanges();
    const { exitCode, stdout } = await verify({ sandbox, project });
    expect({ exitCode, stdout }).toMatchObject({ exitCode: 0 });
    expect(stdout).toContain("grant it get on pods/log");
  });

  it("can verify why a secret is denied, with the optional rule", async () => {
    await grant(sandbox, "trustee-side", () => true, withOptionalRules);
    const { exitCode, stdout } = await verify({ sandbox, project });
    expect({ exitCode, stdout }).toMatchObject({ exitCode: 0 });
    expect(stdout).not.toContain("is not known");
  });

  const tried = cases.filter(({ right }) => trustee === "0.18" || alsoOn021.includes(right));
  it.each(tried)("cannot run $by without $right in $side; the error names the right", async (denied) => {
    const [resource = "", verb = ""] = denied.right.split(" ");
    await grantNeeded(denied);
    await prepare(denied.by);
    const { exitCode, stdout, stderr } = await run(denied.by);
    expect({ failed: exitCode !== 0, printed: exitCode === 0 ? stdout + stderr : "" }).toEqual({
      failed: true,
      printed: "",
    });
    expect(stdout + stderr).toMatch(new RegExp(`cannot ${verb} (resource ")?${resource}`));
  });

  it("can complete the failed runs, and destroy", async () => {
    await grantNeeded();
    project.configure(configuration);
    await project.up();
    await project.destroy();
    await stranger.stop();
    stranger.expectNothingRead("each right taken away in turn");
    expect(await sharedData(sandbox)).toEqual(before);
  });
});
