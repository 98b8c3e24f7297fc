import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { generations, type Generation } from "../../core/trustee/generation.ts";
import { installation, trusteeConfig } from "../../sandbox/trustee/manifests/installation.ts";
import { kbsDeployment, kbsService } from "../../sandbox/trustee/manifests/kbs.ts";
import { sampleSecret } from "../../sandbox/trustee/manifests/objects.ts";
import { podTemplate } from "../../sandbox/trustee/manifests/pod-template.ts";

/** The objects that the real operators install, next to the checkout. */
const shared = join(import.meta.dirname, "..", "..", "..", "shared", "data");

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
type JsonObject = Readonly<Record<string, Json>>;

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const plain = (value: unknown): JsonObject => JSON.parse(JSON.stringify(value)) as JsonObject;

function realObjects(generation: Generation): ReadonlyMap<string, JsonObject> {
  const text = readFileSync(join(shared, `trustee-operator-v${generation}.0`, "installed.yaml"), "utf8");
  const objects = parseAllDocuments(text).map((document) => plain(document.toJS()));
  return new Map(objects.map((object) => [identity(object), object]));
}

async function ourObjects(generation: Generation, versions: readonly string[]) {
  const options = { generation, fresh: true, certificate: "certificate", key: "key" };
  const manifests = [
    ...trusteeConfig(options),
    ...(await installation(options, "uid")),
    kbsDeployment(podTemplate(generation, [sampleSecret[generation]], versions), 1, "uid"),
    kbsService("uid"),
  ].map(plain);
  return new Map(manifests.map((object) => [identity(object), object]));
}

function identity(object: JsonObject): string {
  const { kind, metadata } = object;
  const name = isObject(metadata) ? metadata["name"] : undefined;
  return `${JSON.stringify(kind)} ${JSON.stringify(name)}`;
}

/** Fields that the API server adds, and owners' uids, which the data omits. */
const addedByServer = new Set([
  "clusterIP",
  "clusterIPs",
  "internalTrafficPolicy",
  "ipFamilies",
  "ipFamilyPolicy",
  "sessionAffinity",
  "uid",
]);

/** Removes the fields that the data omits or the API server adds. */
function comparable(value: Json, real: Json | undefined): Json {
  if (real === "(left out)") return real;
  if (Array.isArray(value)) {
    return (value as readonly Json[]).map((entry, index) =>
      comparable(entry, Array.isArray(real) ? (real as readonly Json[])[index] : undefined),
    );
  }
  if (!isObject(value)) return value;
  const kept = Object.entries(value).filter(
    ([key, entry]) => !addedByServer.has(key) && !(key === "annotations" && isServerAnnotation(entry)),
  );
  return Object.fromEntries(
    kept.map(([key, entry]) => [key, comparable(entry, isObject(real) ? real[key] : undefined)]),
  );
}

function isServerAnnotation(annotations: Json): boolean {
  return (
    isObject(annotations) &&
    Object.keys(annotations).every((key) => key === "deployment.kubernetes.io/revision")
  );
}

describe.each(generations)("the sandbox's Trustee %s", (generation) => {
  const real = realObjects(generation);

  test("has every object that the operator installs, with equal fields", async () => {
    const versions = generation === "0.21" ? ["1216", "1220", "1221", "1222", "1219"] : [];
    const ours = await ourObjects(generation, versions);
    const seen = [...real].map(([id, object]) => [id, comparable(ours.get(id) ?? {}, object)]);
    const expected = [...real].map(([id, object]) => [id, comparable(object, object)]);
    expect(Object.fromEntries(seen)).toEqual(Object.fromEntries(expected));
  });

  test("adds only the route", async () => {
    const ours = await ourObjects(generation, []);
    const route = generation === "0.18" ? "kbs-service" : "kbs-route";
    expect([...ours.keys()].filter((id) => !real.has(id))).toEqual([`"Route" "${route}"`]);
  });

  test.each(["kbsconfigs", "trusteeconfigs"])("has the CRD of %s", (plural) => {
    const theirs = readFileSync(
      join(shared, `trustee-operator-v${generation}.0`, `${plural}.crd.yaml`),
      "utf8",
    );
    const crds = join(import.meta.dirname, "..", "..", "sandbox", "trustee", "crds");
    const ours = readFileSync(join(crds, `${plural}-${generation}.yaml`), "utf8");
    expect(parse(ours)).toEqual(parse(theirs));
  });
});
