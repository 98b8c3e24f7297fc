import { readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { loadCluster } from "../../kube/cluster.ts";
import { UserError } from "../../core/issues.ts";
import { apiServer, certified, clientOf, folderWith, kubeconfigOf, ref } from "./api-server.ts";

beforeEach(() => {
  for (const name of ["KUBECONFIG", "HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"]) {
    vi.stubEnv(name, undefined);
  }
});

afterEach(() => {
  vi.unstubAllEnvs();
  vi.useRealTimers();
});

describe("tokenFile", () => {
  test("takes precedence over a token, is relative to the kubeconfig, and is read again when it changes", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const { url, requests } = await apiServer();
    const user = { tokenFile: "secrets/token", token: "old" };
    const folder = folderWith({
      "kube/config": kubeconfigOf({ server: url, user }),
      "kube/secrets/token": "first\n",
    });
    const kube = clientOf({ kubeconfig: join(folder, "kube/config") });
    await kube.get(ref);
    writeFileSync(join(folder, "kube/secrets/token"), "second\n");
    vi.setSystemTime(Date.now() + 61_000);
    await kube.get(ref);
    expect(requests.map(({ headers }) => headers.authorization)).toEqual(["Bearer first", "Bearer second"]);
  });

  test("that is missing is an error, not an anonymous request", async () => {
    const { url, requests } = await apiServer();
    const kubeconfig = kubeconfigOf({
      server: url,
      user: { tokenFile: "/none/token" },
    });
    expect(() => clientOf({ kubeconfig })).toThrow(
      new UserError(
        "TA831",
        `The kubeconfig's user "u" names a file that cannot be read: ENOENT: no such file or directory, access '/none/token'. ` +
          "Correct its path, or restore the file. Check it with: kubectl config view",
      ),
    );
    expect(requests).toEqual([]);
  });
});

describe("https", () => {
  async function secure(user?: Record<string, unknown>): Promise<{ folder: string; text: string }> {
    const folder = folderWith({});
    const { url } = await apiServer((await certified(folder, "server")).tls);
    const cluster = { "certificate-authority": "server.crt" };
    const text = kubeconfigOf({ server: url, cluster, ...(user && { user }) });
    writeFileSync(join(folder, "config"), text);
    return { folder, text };
  }

  test("reads certificate and key relative to the kubeconfig, also for a context without a user", async () => {
    const { folder, text } = await secure({ "client-certificate": "server.crt", "client-key": "server.key" });
    expect(await clientOf({ kubeconfig: join(folder, "config") }).get(ref)).toBeDefined();
    writeFileSync(join(folder, "anonymous"), text.replace(',"user":"u"', ""));
    expect(await clientOf({ kubeconfig: join(folder, "anonymous") }).get(ref)).toBeDefined();
  });

  test("prefers inline content to a file", async () => {
    const { folder, text } = await secure();
    const data = readFileSync(join(folder, "server.crt")).toString("base64");
    const both = text.replace('"server.crt"', `"nowhere.crt","certificate-authority-data":"${data}"`);
    expect(await clientOf({ kubeconfig: both }).get(ref)).toBeDefined();
  });
});

describe("the kubeconfig that kubectl uses", () => {
  const named = (name: string, server: string, current = name): string =>
    kubeconfigOf({ server: "https://unused.example" })
      .replace("https://unused.example", server)
      .replace('"name":"x"', `"name":"${name}"`)
      .replace('"current-context":"x"', `"current-context":"${current}"`);

  test("is an error if there is no file", () => {
    vi.stubEnv("HOME", folderWith({}));
    expect(() => loadCluster({})).toThrow(
      "There is no kubeconfig: neither $KUBECONFIG nor ~/.kube/config names a cluster. " +
        "Set one of them, or name a kubeconfig in the settings or by --kubeconfig.",
    );
  });

  test("is ~/.kube/config if nothing is set", () => {
    vi.stubEnv("HOME", folderWith({ ".kube/config": named("home", "https://home.example") }));
    expect(loadCluster({}).getCurrentCluster()?.server).toBe("https://home.example");
  });

  test("is read from a setting that starts with ~/", () => {
    vi.stubEnv("HOME", folderWith({ ".kube/x": named("home", "https://home.example") }));
    expect(loadCluster({ kubeconfig: "~/.kube/x" }).getCurrentCluster()?.server).toBe("https://home.example");
    expect(() => loadCluster({ kubeconfig: "~/.kube/y" })).toThrow(
      'There is no kubeconfig at "~/.kube/y". Correct the setting, or unset it to use what kubectl uses.',
    );
  });

  test("merges several files: skips missing ones and takes the first definition", () => {
    const folder = folderWith({
      empty: "",
      first: named("a", "https://first.example", ""),
      second: named("b", "https://second.example"),
      third: named("a", "https://third.example"),
    });
    const files = ["missing", "empty", "first", "second", "third"].map((name) => join(folder, name));
    vi.stubEnv("KUBECONFIG", files.join(delimiter));
    const config = loadCluster({});
    expect(config.getContexts().map(({ name }) => name)).toEqual(["a", "b"]);
    expect(config.getCurrentContext()).toBe("b");
    // The cluster "c" of all three is the first one's.
    expect(config.getCurrentCluster()?.server).toBe("https://first.example");
  });

  test("reads paths in several files relative to the folder of each", () => {
    const folder = folderWith({
      "one/config": kubeconfigOf({ server: "https://one.example", user: { tokenFile: "token" } }),
      "one/token": "t",
      "two/config": kubeconfigOf({ server: "https://two.example", user: { tokenFile: "token" } }),
      "two/token": "t",
    });
    vi.stubEnv("KUBECONFIG", [join(folder, "one/config"), join(folder, "two/config")].join(delimiter));
    expect(loadCluster({}).getCurrentUser()?.authProvider).toEqual({
      name: "tokenFile",
      config: { tokenFile: join(folder, "one/token") },
    });
  });

  test("is an error if no file of $KUBECONFIG exists", () => {
    vi.stubEnv("KUBECONFIG", ["/none/a", "/none/b"].join(delimiter));
    expect(() => loadCluster({})).toThrow(
      "There is no kubeconfig: $KUBECONFIG names files that do not exist (/none/a, /none/b). " +
        "Correct it, or unset it to use ~/.kube/config.",
    );
  });

  test("may name kubectl proxy, over http", async () => {
    const { url } = await apiServer();
    expect(await clientOf({ kubeconfig: kubeconfigOf({ server: url }) }).get(ref)).toBeDefined();
  });
});

test("finds a plugin with a relative path next to the kubeconfig", () => {
  const user = { exec: { command: "./bin/plugin", apiVersion: "client.authentication.k8s.io/v1" } };
  const folder = folderWith({ config: kubeconfigOf({ server: "https://c.example", user }) });
  expect(loadCluster({ kubeconfig: join(folder, "config") }).getCurrentUser()?.exec).toMatchObject({
    command: join(folder, "bin/plugin"),
  });
});

const good = kubeconfigOf({ server: "https://c.example" });

test.each([
  [
    "no YAML",
    "a: [top-secret",
    "is not valid YAML of kind Config (line 1). Check it with: kubectl config view",
  ],
  ["a text", "top-secret", "is not valid YAML of kind Config. Check it with: kubectl config view"],
  [
    "a cluster without server",
    good.replace('"server":"https://c.example"', ""),
    "cannot be used: clusters[0].cluster.server is missing. Check it with: kubectl config view",
  ],
])("refuses %s without quoting the file", (_, text, message) => {
  const file = join(folderWith({ config: text }), "config");
  expect(() => loadCluster({ kubeconfig: file })).toThrow(
    new UserError("TA831", `The kubeconfig "${file}" ${message}`),
  );
});

test("refuses a folder as a kubeconfig", () => {
  const folder = folderWith({});
  expect(() => loadCluster({ kubeconfig: folder })).toThrow(/cannot be read: EISDIR/);
});

test.each([
  ["", "The kubeconfig has no current context. Set one: kubectl config use-context NAME. It has: none."],
  ['"current-context":"y"', 'The kubeconfig has no context "y". It has: x.'],
  [
    '"cluster":"d"',
    'The kubeconfig\'s context "x" names the cluster "d", which it does not have. ' +
      "Correct it: kubectl config set-context x --cluster=NAME",
  ],
  [
    '"user":"v"',
    'The kubeconfig\'s context "x" names the user "v", which it does not have. ' +
      "Correct it: kubectl config set-context x --user=NAME",
  ],
])("refuses a context that names nothing usable: %s", (change, message) => {
  const [key = ""] = change.split(":");
  const kubeconfig = change === "" ? "{}" : good.replace(new RegExp(`${key}:"[a-z]"`), change);
  expect(() => loadCluster({ kubeconfig })).toThrow(new UserError("TA832", message));
});

test.each([
  ["cluster", "c", { cluster: { "certificate-authority": "/none/ca.crt" } }, "/none/ca.crt"],
  [
    "user",
    "u",
    { user: { "client-certificate": "/none/u.crt", "client-key": "/none/u.key" } },
    "/none/u.crt",
  ],
  ["user", "u", { user: { "client-key": "/none/u.key" } }, "/none/u.key"],
])("refuses a %s %s that names a file that is not there: %j", (kind, name, fields, file) => {
  const kubeconfig = kubeconfigOf({ server: "https://kube.example", ...fields });
  expect(() => loadCluster({ kubeconfig })).toThrow(
    new UserError(
      "TA831",
      `The kubeconfig's ${kind} "${name}" names a file that cannot be read: ENOENT: no such file or directory, access '${file}'. ` +
        "Correct its path, or restore the file. Check it with: kubectl config view",
    ),
  );
});

test("ignores missing files of clusters and users that the context does not name", () => {
  const kubeconfig = kubeconfigOf({ server: "https://kube.example" })
    .replace(
      '"clusters":[',
      '"clusters":[{"name":"d","cluster":{"server":"https://d.example","certificate-authority":"/none/d"}},',
    )
    .replace('"users":[', '"users":[{"name":"v","user":{"tokenFile":"/none/v"}},');
  expect(kubeconfig).toContain("/none/v");
  expect(kubeconfig).toContain("/none/d");
  expect(loadCluster({ kubeconfig }).getCurrentCluster()?.server).toBe("https://kube.example");
});
