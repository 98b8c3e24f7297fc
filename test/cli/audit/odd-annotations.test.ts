import { describe, expect, it } from "vitest";
import { explain, type CellFacts } from "../../../cli/explain/explain.ts";
import type { PodFacts } from "../../../cli/audit/facts.ts";
import { facts, pcr8, podFixture } from "../../fixtures/live-facts.ts";
import { base, IMAGE_POLICY, lines } from "./support.ts";

const FORMER = "io.katacontainers.config.runtime.cc_init_data";
const BROKEN = "has line breaks: Kata's Go runtime accepts them, its Rust runtime (runtime-rs) does not";

/** pod2, which is granted what it asks for, without its annotation. */
function bare(changes: Partial<PodFacts> = {}): PodFacts {
  const { annotation: _, annotated: __, ...pod } = podFixture("pod2", changes);
  return pod;
}

function initdata(changes: Partial<CellFacts>): unknown {
  const { verdict, because, conditions } = explain({ ...base, ...changes });
  const { status, detail } = conditions.find(({ id }) => id === "initdata") ?? {};
  return { verdict, because, status, detail };
}

describe("a pod without the initdata annotation", () => {
  const none = "the pod has no initdata annotation";

  it("is denied, with the name of an annotation that was probably meant", () => {
    const denied = (detail: string) => ({
      ...{ verdict: "denied", because: `Because ${detail}.`, status: "fails", detail },
    });
    expect(initdata({ pod: bare() })).toEqual(denied(none));
    const detail = `${none}: ${FORMER} is the former name of the initdata annotation, which only old runtimes read`;
    expect(initdata({ pod: bare({ strayAnnotations: [FORMER] }) })).toEqual(denied(detail));
  });

  it("is uncertain if the cluster gives initdata to pods without it, or may do so", () => {
    const namespace = "openshift-sandboxed-containers-operator";
    const given = { namespace, name: "peer-pods-cm", key: "INITDATA" };
    const from = `${none}; ConfigMap ${namespace}/peer-pods-cm (INITDATA) gives initdata to every peer pod without any; which initdata this pod got at its start is unknown`;
    expect(initdata({ pod: bare(), globalInitdata: given })).toEqual({
      verdict: "uncertain",
      because: `Nothing is known to deny it, but ${from}.`,
      status: "unknown",
      detail: from,
    });
    const problem = `ConfigMap ${namespace}/peer-pods-cm cannot be read by this account`;
    expect(initdata({ pod: bare(), globalInitdata: { problem } })).toMatchObject({
      verdict: "uncertain",
      detail: `${none}; whether the cluster gives it initdata is unknown (${problem})`,
    });
  });

  it("is reported by lint if it has an annotation with a similar name", () => {
    const pods = [
      podFixture("pod1"),
      bare({ strayAnnotations: ["cc_init_data", FORMER] }),
      podFixture("pod3"),
    ];
    expect(lines(facts({}, pods))).toEqual(
      expect.arrayContaining([
        "warning TA107 Pod default/pod2: The pod has no initdata annotation: cc_init_data is not the name of the initdata annotation, so no runtime reads it.",
        `warning TA107 Pod default/pod2: The pod has no initdata annotation: ${FORMER} is the former name of the initdata annotation, which only old runtimes read.`,
      ]),
    );
  });
});

describe("an initdata annotation with line breaks", () => {
  const pod = podFixture("pod2");
  const annotation = `${(pod.annotation ?? "").slice(0, 76)}\n${(pod.annotation ?? "").slice(76)}\n`;

  it("is read, and lint and explain report it", () => {
    const pods = [podFixture("pod1"), { ...pod, annotation }, podFixture("pod3")];
    expect(lines(facts({}, pods))).toEqual([
      `warning TA107 Pod default/pod2: The pod's initdata annotation ${BROKEN}.`,
      IMAGE_POLICY,
    ]);
    expect(initdata({ pod: { ...pod, annotation } })).toMatchObject({
      verdict: "allowed",
      detail: `PCR8 ${pcr8.pod2}, from the running pod's annotation, which ${BROKEN}`,
    });
  });

  it("with a second annotation of another name is fine", () => {
    const pods = [podFixture("pod1"), { ...pod, strayAnnotations: [FORMER] }, podFixture("pod3")];
    expect(lines(facts({}, pods))).toEqual([IMAGE_POLICY]);
  });
});
