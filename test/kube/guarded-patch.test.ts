import { expect, test } from "vitest";
import { guardedPatch } from "../../kube/guarded-patch.ts";

const metadata = { name: "n", uid: "u" };
const uid = { op: "test", path: "/metadata/uid", value: "u" };

test("tests the fields it reads and writes, each once, and writes the leaves", () => {
  const live = { metadata, data: { "a.b": "1", other: "x" } };
  const patch = {
    data: { "a.b": "2", gone: null, other: null },
    metadata: { annotations: { "x/y~z": "1" } },
  };
  expect(
    guardedPatch(
      live,
      [
        ["data", "a.b"],
        ["data", "unseen"],
        ["spec", "deep", "down"],
      ],
      patch,
    ),
  ).toStrictEqual([
    uid,
    { op: "test", path: "/data/a.b", value: "1" },
    { op: "test", path: "/data/unseen", value: null },
    { op: "test", path: "/spec", value: null },
    { op: "test", path: "/data/gone", value: null },
    { op: "test", path: "/data/other", value: "x" },
    { op: "test", path: "/metadata/annotations", value: null },
    { op: "add", path: "/data/a.b", value: "2" },
    { op: "remove", path: "/data/other" },
    { op: "add", path: "/metadata/annotations", value: {} },
    { op: "add", path: "/metadata/annotations/x~1y~0z", value: "1" },
  ]);
});

test("tests and writes a list as one value", () => {
  const live = { metadata, spec: { list: ["a"] } };
  expect(guardedPatch(live, [], { spec: { list: ["a", "b"] } })).toStrictEqual([
    uid,
    { op: "test", path: "/spec/list", value: ["a"] },
    { op: "add", path: "/spec/list", value: ["a", "b"] },
  ]);
});

test("adds a missing parent once, and none for a removed field", () => {
  const patch = { metadata: { annotations: { a: "1", b: "2" }, labels: { c: null } } };
  expect(guardedPatch({ metadata }, [], patch)).toStrictEqual([
    uid,
    { op: "test", path: "/metadata/annotations", value: null },
    { op: "test", path: "/metadata/labels", value: null },
    { op: "add", path: "/metadata/annotations", value: {} },
    { op: "add", path: "/metadata/annotations/a", value: "1" },
    { op: "add", path: "/metadata/annotations/b", value: "2" },
  ]);
});
