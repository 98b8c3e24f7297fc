import { describe, expect, test } from "vitest";
import { bench } from "./bench.ts";
import { redHatUpdate } from "./redhat.ts";
import { A, B, C, decoded, entry, inputsIn, list, LIST, MAP } from "./reference-values-fixtures.ts";

const { cluster, engine, other } = await bench();

const values = (configMap: string, key: string, digest: string) =>
  inputsIn(cluster.namespace, configMap, [digest], { candidateKeys: [key] });

/** Two stacks in these values, and then the update. */
async function updated(name: string, before: string) {
  cluster.configMap(name, { [LIST]: before });
  const ours = engine.resource("ReferenceValues");
  const theirs = other.resource("ReferenceValues");
  await ours.up(values(name, LIST, A));
  await theirs.up(values(name, LIST, C));
  await redHatUpdate(cluster, { [name]: null });
  return { ours, theirs };
}

/** The expected result of the update for a list without entries of ours. */
async function wanted(before: string): Promise<unknown> {
  cluster.configMap("without-us", { [LIST]: before });
  await redHatUpdate(cluster, { "without-us": null });
  const entries = decoded(await cluster.data("without-us"));
  cluster.delete("ConfigMap", "without-us");
  cluster.delete("ConfigMap", "without-us.v1.1");
  return entries;
}

async function ourAnnotations(name: string): Promise<readonly string[]> {
  const { annotations = {} } = (await cluster.get("ConfigMap", name)).metadata;
  return Object.keys(annotations).filter((one) => one.startsWith("trustee-access/"));
}

const befores = [
  ["odd", "an entry that its base64 spells with + and /", list(entry([B], { note: "???>>>~~~" }))],
  ["twice", "two entries of one name, of which the last stays", list(entry([C, B]), entry([B]))],
  ["none", "no entry, so that ours are created", "[]"],
] as const;

describe.each(befores)(
  "Red Hat's operator 1.2 has converted the reference values (%s): %s",
  (id, _, before) => {
    test("each stack's up recognises its digests, and destroy leaves the converted values of others", async () => {
      const { ours, theirs } = await updated(`${id}-up`, before);
      await ours.up(values(`${id}-up`, MAP, A));
      expect((await ours.up(values(`${id}-up`, MAP, A))).op).toBe("same");
      await theirs.up(values(`${id}-up`, MAP, C));
      expect((await theirs.up(values(`${id}-up`, MAP, C))).op).toBe("same");
      await ours.destroy();
      await theirs.destroy();
      expect(decoded(await cluster.data(`${id}-up`))).toEqual(await wanted(before));
      expect(await ourAnnotations(`${id}-up`)).toEqual([]);
    });

    test("a destroy without an up in between removes its digests too", async () => {
      const { ours, theirs } = await updated(`${id}-destroy`, before);
      await ours.destroy();
      await theirs.destroy();
      expect(decoded(await cluster.data(`${id}-destroy`))).toEqual(await wanted(before));
      expect(await ourAnnotations(`${id}-destroy`)).toEqual([]);
    });
  },
);
