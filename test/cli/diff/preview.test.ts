import { describe, expect, it } from "vitest";
import { readDeployed, readPreview } from "../../../cli/diff/preview.ts";
import { UserError } from "../../../core/issues.ts";

const was = { pod1: { "a/b": "not-a-reader" } };
const willBe = { pod1: { "a/b": "granted" } };

/** Like the parsed outputs: missing ones are empty. */
function outputs(access: object, more: object = {}): object {
  return { access, initData: {}, pods: {}, annotations: {}, otherReaders: [], accessChanges: [], ...more };
}

function stackEvent(op: string, old: unknown, outputs: unknown): object {
  const urn = "urn:pulumi:dev::trustee-access::pulumi:pulumi:Stack::trustee-access-dev";
  const state = (of: unknown): unknown => (of === undefined ? null : { urn, outputs: of });
  const metadata = { op, urn, type: "pulumi:pulumi:Stack", old: state(old), new: state(outputs) };
  return { sequence: 7, timestamp: 1795474053, resOutputsEvent: { metadata, planning: true } };
}

function stream(...events: readonly object[]): string {
  const prelude = { sequence: 0, timestamp: 1795474053, preludeEvent: { config: {} } };
  return [prelude, ...events].map((event) => `${JSON.stringify(event)}\n`).join("");
}

describe("the events of a preview", () => {
  const change = {
    effect: "OPENS",
    pod: "pod1",
    secret: "a/b",
    before: "unknown",
    after: "granted",
  } as const;

  it("contain the deployed and the planned outputs: the last ones of the stack, not those of the refresh", () => {
    const text = stream(
      stackEvent("refresh", { access: was }, { access: was }),
      stackEvent("same", { access: was }, { access: was }),
      stackEvent("same", { access: was }, { access: willBe, accessChanges: [change] }),
      { sequence: 9, timestamp: 1795474054, summaryEvent: { resourceChanges: {} } },
    );
    expect(readPreview(text)).toEqual({
      before: outputs(was),
      after: outputs(willBe, { accessChanges: [change] }),
    });
  });

  it.each([
    ["in other words", { ...change, before: "fine" }],
    ["with another effect", { ...change, effect: "opens" }],
    ["as a line", "OPENS   pod1 -> a/b (was: not known; will be: granted)"],
  ])("are refused with a change %s", (_, record) => {
    const text = stream(stackEvent("same", { access: was }, { access: willBe, accessChanges: [record] }));
    expect(() => readPreview(text)).toThrow(UserError);
  });

  it("contain a first deployment too", () => {
    expect(readPreview(stream(stackEvent("create", undefined, { access: willBe })))).toEqual({
      after: outputs(willBe),
    });
  });

  it.each([
    [
      "the plain --json of pulumi",
      '{\n  "config": {},\n  "steps": []\n}\n',
      /not a stream of pulumi's JSON events/,
    ],
    ["a failed preview", stream(stackEvent("refresh", { access: was }, { access: was })), /no stack outputs/],
    [
      "a preview that failed at the end",
      stream(
        { sequence: 1, timestamp: 1, diagnosticEvent: { severity: "debug", message: "hidden" } },
        {
          sequence: 2,
          timestamp: 1,
          diagnosticEvent: { severity: "error", message: "<{%fg 1%}>a pod<{%reset%}>\n" },
        },
        stackEvent("same", { access: was }, { access: willBe }),
      ),
      /^TA955 The preview failed: a pod\nFix pulumi's error, then run again\.$/,
    ],
    [
      "another program's preview",
      stream(stackEvent("same", {}, { url: "x" })),
      /not a stack of this project/,
    ],
    ["nothing", "", /no stack outputs/],
  ])("are refused, with the command that makes them: %s", (_, text, message) => {
    expect(() => readPreview(text)).toThrow(UserError);
    expect(() => readPreview(text)).toThrow(message);
  });
});

describe("the deployed outputs", () => {
  it("hold the matrix, or nothing if nothing was deployed", () => {
    expect(readDeployed(JSON.stringify({ access: was, matrix: [] }))).toEqual(outputs(was));
    expect(readDeployed("{}")).toBeUndefined();
  });

  it.each(["no JSON", '{"url": "x"}'])("refuse %s", (text) => {
    expect(() => readDeployed(text)).toThrow(UserError);
  });
});
