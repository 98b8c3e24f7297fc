import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import * as pulumi from "@pulumi/pulumi";
import { describe, expect, it } from "vitest";
import type { PropertyMap } from "../../provider/protocol/index.ts";
import { trusteeProvider } from "../../provider/trustee-provider.ts";
import { listening } from "../support/listening.ts";
import { kubeconfigOf } from "../kube/api-server.ts";
import { stackGrants } from "../fixtures/grants.ts";

const OLD = "trustee:index:ConfigMapEntry";
const NEW = "trustee:index:ResourcePolicy";
const STOCK = "package policy\n\ndefault allow = false\n";
const KEY = "policy.rego";

const given = {
  namespace: "trustee",
  configMap: "resource-policy",
  candidateKeys: [KEY],
  policy: stackGrants("o/p/s", { db: { "*": { "azure-vtpm": { ["ab".repeat(32)]: "web" } } } }),
};

/** An API server with one ConfigMap that merge patches change. */
async function clusterWith(data: Record<string, string>): Promise<{ kubeconfig: string }> {
  let version = 1;
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      if (!request.url?.includes("/configmaps/")) {
        response.writeHead(404, { "content-type": "application/json" }).end("{}");
        return;
      }
      if (request.method === "PATCH") {
        version += 1;
        Object.assign(data, (JSON.parse(body) as { data: Record<string, string> }).data);
      }
      const metadata = { name: "resource-policy", namespace: "trustee", resourceVersion: String(version) };
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ metadata, data }));
    });
  });
  const port = await listening(server);
  return { kubeconfig: kubeconfigOf({ server: `http://127.0.0.1:${port}` }) };
}

describe("ResourcePolicy, called ConfigMapEntry in an older release", () => {
  it("registers the old type as an alias, so that the engine keeps the resource of an existing stack", async () => {
    const resource = ({ name, inputs }: pulumi.runtime.MockResourceArgs): { id: string; state: object } => ({
      id: name,
      state: inputs as object,
    });
    await pulumi.runtime.setMocks({ call: () => ({}), newResource: resource });
    // Import after the mocks: the resources' base class reads them when it loads.
    const { ResourcePolicy } = await import("../../components/trustee/index.ts");
    const registered: unknown[] = [];
    const transformations: pulumi.ResourceTransformation[] = [
      ({ type, opts }) => {
        registered.push({ type, aliases: opts.aliases });
        return undefined;
      },
    ];
    new ResourcePolicy("resource-policy", given as never, { transformations, aliases: [{ name: "mine" }] });
    expect(registered).toEqual([{ type: NEW, aliases: [{ type: OLD }, { name: "mine" }] }]);
  });

  it("is refreshed, updated in place and deleted from a state with the old type", async () => {
    const data: Record<string, string> = { [KEY]: STOCK };
    const provider = trusteeProvider();
    const ignore = (): void => undefined;
    const log = { info: ignore, warn: ignore, status: ignore };
    const context = { signal: new AbortController().signal, log };
    await provider.configure(await clusterWith(data), context);
    const resource = (type: string): { urn: string; type: string } => ({
      urn: `urn:pulumi:s::p::${type}::resource-policy`,
      type,
    });
    const check = async (type: string): Promise<PropertyMap> =>
      (await provider.check({ ...resource(type), oldInputs: {}, newInputs: given }, context)).inputs;

    const inputs = await check(OLD);
    const created = await provider.create({ ...resource(OLD), inputs, preview: false }, context);
    const written = data[KEY];
    expect(written).not.toBe(STOCK);

    const id = created.id;
    const state = { inputs, outputs: created.outputs };
    const read = await provider.read({ ...resource(OLD), id, ...state }, context);
    expect(read).toEqual({ id, ...state, refreshBeforeUpdate: true });

    const newInputs = await check(NEW);
    expect(await provider.diff({ ...resource(NEW), oldInputs: inputs, newInputs }, context)).toEqual({});
    const update = { oldOutputs: created.outputs, newInputs, preview: false };
    const updated = await provider.update({ ...resource(NEW), ...update }, context);
    expect(updated.outputs).toEqual(created.outputs);
    expect(data).toEqual({ [KEY]: written });

    await provider.delete({ ...resource(OLD), outputs: updated.outputs }, context);
    expect(data).toEqual({ [KEY]: STOCK });
  });
});
