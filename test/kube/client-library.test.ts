import { join } from "node:path";
import { execa } from "execa";
import { expect, it } from "vitest";

const REPOSITORY = join(import.meta.dirname, "..", "..");

/**
 * Runs in its own process because loaded files stay loaded. Prints the number of loaded library files per
 * folder.
 */
const PROGRAM = `
import { registerHooks } from "node:module";
const files = [];
registerHooks({
  load: (url, context, next) => {
    const [, file] = url.split("/@kubernetes/client-node/dist/");
    if (file !== undefined) files.push(file);
    return next(url, context);
  },
});
const { loadCluster } = await import("./kube/cluster.ts");
const config = loadCluster({
  kubeconfig: JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "here", cluster: { server: "https://127.0.0.1:1" } }],
    users: [{ name: "me", user: { token: "t" } }],
    contexts: [{ name: "one", context: { cluster: "here", user: "me" } }],
    "current-context": "one",
  }),
});
const count = (folder) => files.filter((file) => file.startsWith(folder)).length;
console.log(JSON.stringify({
  config: count("config.js"),
  models: count("gen/models/"),
  apis: count("gen/apis/"),
  server: config.getCurrentCluster().server,
}));
`;

it("loads sign-in and HTTP of the client library, but no models or APIs", async () => {
  const { stdout } = await execa(process.execPath, ["--input-type=module", "--eval", PROGRAM], {
    cwd: REPOSITORY,
  });
  expect(JSON.parse(stdout)).toEqual({ config: 1, models: 0, apis: 0, server: "https://127.0.0.1:1" });
});
