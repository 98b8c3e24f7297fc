import { describe, expect, it } from "vitest";
import { attestationProblem } from "../../../cli/explain/denial.ts";
import { explain } from "../../../cli/explain/explain.ts";
import type { PodFacts, StackFacts, TrusteeFacts } from "../../../cli/audit/facts.ts";
import type { Finding } from "../../../cli/lint/finding.ts";
import { lint } from "../../../cli/lint/lint.ts";
import { bindingOf } from "../../../cli/audit/pod-claims.ts";
import { encodeAnnotation } from "../../../core/initdata/annotation.ts";
import { bindings, claimSpellings, initDataClaim, type Binding } from "../../../core/initdata/binding.ts";
import { joinPolicy } from "../../../core/policy/share.ts";
import { pcr8, podFixture, toml } from "../../fixtures/live-facts.ts";
import { base, withPolicy, withValues, unseen, withAttestationPolicy } from "./support.ts";

const NO_VALUE = "no reference value holds this digest";

/** A pod whose TEE only its stack tells. */
function anywhere(name: string, changes: Partial<PodFacts> = {}): PodFacts {
  const { machineType: _, ...pod } = podFixture(name);
  return { ...pod, ...changes };
}

const claim = (binding: Binding, name: string): string => initDataClaim(binding, "sha256", toml(name));

/** A stack with pod2 and pod3 on one sort of TEE. */
function stackOn(binding: Binding, entries: readonly string[] = []): StackFacts {
  const pods = ["pod2", "pod3"];
  return {
    claims: Object.fromEntries(pods.map((pod) => [pod, claim(binding, pod)])),
    bindings: Object.fromEntries(pods.map((pod) => [pod, binding])),
    entries,
  };
}

/** A Trustee whose policy grants p2-secret to pod2 alone. */
function trusteeOf(binding: Binding, values: Parameters<typeof withValues>[0]): TrusteeFacts {
  const readers = claimSpellings(binding, claim(binding, "pod2")).map((spelling) => [spelling, "pod2"]);
  const policy = joinPolicy("package policy\n", {
    stack: "organization/trustee-access/dev",
    others: "deny",
    secrets: { "p2-secret": { "*": { [binding]: Object.fromEntries(readers) as Record<string, string> } } },
  });
  return { ...withValues(values), policy: withPolicy(policy).policy };
}

interface Case {
  readonly trustee: TrusteeFacts;
  readonly pod: PodFacts;
  readonly stack?: StackFacts | undefined;
}

/** Why verify says that the pod's attestation failed when it was denied p2-secret, if it says so. */
function denial({ trustee, pod, stack }: Case): string | undefined {
  return attestationProblem({
    trustee,
    pod,
    secret: "p2-secret",
    key: "secret",
    answers: { kind: "none", reason: "" },
    byPolicy: true,
    ...(stack === undefined ? {} : { stack, reader: pod.name }),
  });
}

function explained({ trustee, pod, stack }: Case): { readonly verdict: string; readonly reference: string } {
  const { verdict, conditions } = explain({ ...base, trustee, pod, stack, reader: pod.name });
  const reference = conditions.find(({ id }) => id === "reference");
  return { verdict, reference: `${reference?.status}: ${reference?.detail}` };
}

const findings = ({ trustee, pod, stack }: Case, ...ids: readonly string[]): readonly Finding[] =>
  lint({ trustee, pods: [pod], answers: base.answers, stack }).filter(({ id }) => ids.includes(id));

/** The findings about digests, in short. */
const found = (given: Case): readonly string[] =>
  findings(given, "TA102", "TA103").map(({ id, severity, what }) => `${severity} ${id} ${what}`);

describe.each(["snp", "tdx"] as const)(
  "a pod on bare metal, %s, which needs no reference value",
  (binding) => {
    const EMPTY = "[]";
    const OTHERS = { snp_pcr08: [pcr8.pod1] };

    it.each([EMPTY, OTHERS])("is denied by the policy, and not for its attestation: %#", (values) => {
      const given = { trustee: trusteeOf(binding, values), pod: anywhere("pod3"), stack: stackOn(binding) };
      expect(denial(given)).toBeUndefined();
      expect(explained(given).verdict).toBe("denied");
      expect(explained(given).reference).toMatch(
        /^holds: the attestation policy asks for no reference value for (?:host data|mr_config_id) on/,
      );
      expect(found({ ...given, trustee: trusteeOf(binding, EMPTY) })).toEqual([]);
    });

    it("gets what it is granted, with or without its stack", () => {
      const given = { trustee: trusteeOf(binding, OTHERS), pod: anywhere("pod2") };
      expect(explained({ ...given, stack: stackOn(binding) }).verdict).toBe("allowed");
      expect(explained(given).verdict).toBe("allowed");
      expect(found(given).filter((line) => line.includes("TA103"))).toEqual([]);
    });

    it("is known by its stack even with initdata other than declared", () => {
      const pod = { ...anywhere("pod3"), annotation: encodeAnnotation(toml("other")) };
      expect(denial({ trustee: trusteeOf(binding, EMPTY), pod, stack: stackOn(binding) })).toBeUndefined();
    });

    it("is known by its runtime class", () => {
      const pod = anywhere("pod3", { runtimeClass: `kata-qemu-${binding}` });
      expect(found({ trustee: trusteeOf(binding, EMPTY), pod })).toEqual([]);
    });

    it("does not attest well if its stack has entries for it that no longer hold its digest", () => {
      const given = {
        trustee: unseen(trusteeOf(binding, { mine: [claim(binding, "pod2")] })),
        pod: anywhere("pod3"),
        stack: stackOn(binding, ["mine"]),
      };
      expect(explained(given).reference).toBe(
        "unknown: no reference value holds this digest; whether the attestation policy asks for it is unknown",
      );
      const asking = `package policy\nexecutables := 3 if { input.${binding}\n input.init_data in query_reference_value("mine") }\n`;
      const asked = { ...given, trustee: withAttestationPolicy(asking, given.trustee) };
      expect(denial(asked)).toContain(NO_VALUE);
      expect([given, asked].map((one) => found(one).filter((line) => line.includes("TA103")).length)).toEqual(
        [1, 1],
      );
    });

    it("needs no digest in the entries that its stack writes for others", () => {
      const { claims, bindings: known } = stackOn(binding);
      const stack: StackFacts = {
        claims: { ...claims, pod1: pcr8.pod1 },
        bindings: { ...known, pod1: "azure-vtpm" },
        entries: ["init_data"],
      };
      const trustee = trusteeOf(binding, { init_data: [pcr8.pod1] });
      expect(denial({ trustee, pod: anywhere("pod3"), stack })).toBeUndefined();
    });
  },
);

it("an SNP pod is registered by its host data in either spelling", () => {
  const trustee = trusteeOf("snp", { host_data: [...claimSpellings("snp", claim("snp", "pod3"))] });
  expect(found({ trustee, pod: anywhere("pod3") })).toEqual([]);
  const [, base64 = ""] = claimSpellings("snp", claim("snp", "pod3"));
  const old = trusteeOf("snp", { host_data: [base64] });
  expect(found({ trustee: old, pod: anywhere("pod3") })).toEqual([]);
  expect(denial({ trustee: old, pod: anywhere("pod3"), stack: stackOn("snp") })).toBeUndefined();
});

describe("a pod whose TEE is unknown", () => {
  const given = { trustee: trusteeOf("azure-vtpm", "[]"), pod: anywhere("pod3") };

  it("may attest well: on bare metal it needs no reference value", () => {
    expect(denial(given)).toBeUndefined();
    expect(explained({ ...given, pod: anywhere("pod1") }).reference).toMatch(
      /^unknown: no reference value holds this digest: a pod with a vTPM/,
    );
    expect(found(given)).toEqual([
      `note TA103 The pod's PCR8 ${pcr8.pod3} is in no reference value; on bare metal it needs none.`,
    ]);
  });

  it("attests badly if its stack or its instance size says that it has a vTPM", () => {
    expect(denial({ ...given, stack: stackOn("azure-vtpm") })).toContain(NO_VALUE);
    expect(denial({ ...given, pod: podFixture("pod3") })).toContain(NO_VALUE);
  });
});

describe("an entry of the reference values with a name that a stack chooses", () => {
  const trustee = unseen(trusteeOf("azure-vtpm", { my_entry: [pcr8.pod2, pcr8.pod3] }));
  const stack = stackOn("azure-vtpm", ["my_entry"]);

  it("holds the digests of its pods", () => {
    const pod = podFixture("pod3");
    expect(denial({ trustee, pod, stack })).toBeUndefined();
    const holds = { verdict: "allowed", reference: "holds: my_entry holds this digest" };
    expect(explained({ trustee, pod: podFixture("pod2"), stack })).toEqual(holds);
    expect(found({ trustee, pod, stack })).toEqual([
      `warning TA102 No running pod has the digest ${pcr8.pod2}, which my_entry holds.`,
    ]);
  });

  it("is uncertain if no stack says what it is for", () => {
    const pod = podFixture("pod2");
    expect(denial({ trustee, pod: podFixture("pod3") })).toBeUndefined();
    expect(explained({ trustee, pod })).toEqual({
      verdict: "uncertain",
      reference:
        "unknown: my_entry holds this digest, but it is unknown whether this entry is for digests of initdata",
    });
    expect(found({ trustee, pod })).toEqual([]);
  });

  it("does not count if its name is that of a boot measurement", () => {
    const boot = withValues({ snp_pcr11: [pcr8.pod3] });
    expect(denial({ trustee: boot, pod: podFixture("pod3") })).toContain(NO_VALUE);
  });
});

it.each(bindings)("how a TEE binds initdata follows from the claim in a stack's outputs: %s", (binding) => {
  const annotation = encodeAnnotation(toml("pod1"));
  expect(bindingOf(annotation, claim(binding, "pod1"))).toBe(binding);
  expect(bindingOf(annotation, claim(binding, "pod2"))).toBeUndefined();
  expect(bindingOf("%", claim(binding, "pod1"))).toBeUndefined();
});

describe("a pod on a development cluster", () => {
  it("follows from its runtime class, and explain asks as the sample TEE", () => {
    const pod = anywhere("pod2", { runtimeClass: "kata-qemu-coco-dev" });
    const trustee = trusteeOf("sample", "[]");
    expect(explained({ trustee, pod })).toEqual({
      verdict: "allowed",
      reference: "holds: the attestation policy asks for no reference value for sample init_data on sample",
    });
    const hardware = anywhere("pod2", { runtimeClass: "kata-qemu-snp" });
    expect(explained({ trustee, pod: hardware }).verdict).toBe("denied");
  });

  it("is denied what is granted to the same digest on hardware, with the reason", () => {
    const pod = anywhere("pod2", { runtimeClass: "kata-qemu-coco-dev" });
    const { verdict, conditions } = explain({ ...base, trustee: trusteeOf("snp", "[]"), pod });
    expect([verdict, conditions.find(({ id }) => id === "policy")?.detail]).toEqual([
      "denied",
      "the policy grants the secret to this digest on another TEE than sample",
    ]);
  });
});

it("a Trustee without the key of the reference values has none that bare metal would need", () => {
  const empty = withValues("[]");
  const trustee = { ...empty, referenceValues: { ...empty.referenceValues, data: {} } };
  const given = { trustee, pod: anywhere("pod3") };
  expect(denial({ ...given, stack: stackOn("snp") })).toBeUndefined();
  expect(denial({ ...given, stack: stackOn("azure-vtpm") })).toContain("there is no key");
});

describe("a pod whose runtime class contradicts its binding", () => {
  const trustee = trusteeOf("azure-vtpm", { snp_pcr08: [pcr8.pod2], tdx_pcr08: [pcr8.pod2] });
  const pod = anywhere("pod2", { runtimeClass: "kata-qemu-snp" });
  const step =
    "Set the pod's binding to snp in its stack's settings, or correct its runtimeClassName, then run pulumi up.";

  it.each([undefined, stackOn("azure-vtpm")])("is uncertain to explain, and found by lint: %#", (stack) => {
    const { verdict, because, conditions, next } = explain({ ...base, trustee, pod, stack, reader: "pod2" });
    const detail =
      "runtimeClassName kata-qemu-snp fits snp, but the pod is declared or known as azure-vtpm: its TEE may report another claim";
    expect({ verdict, because, next }).toEqual({
      verdict: "uncertain",
      because: `Nothing is known to deny it, but ${detail}.`,
      next: [
        step,
        // `others: deny` keeps the image policy from it, too.
        'Grant "trustee-image-policy" to the pod: add a grant to its stack\'s settings, then run pulumi up.',
      ],
    });
    expect(conditions.filter(({ id }) => id === "binding")).toEqual([
      { id: "binding", status: "unknown", detail, next: step },
    ]);
    expect(findings({ trustee, pod, stack }, "TA108")).toEqual([
      {
        id: "TA108",
        severity: "warning",
        where: { kind: "Pod", namespace: "default", name: "pod2" },
        what: "The pod's stack, or its registered or granted digest, implies the binding azure-vtpm, but its runtimeClassName kata-qemu-snp fits snp.",
        why: "Its TEE reports another claim than the granted one, so the KBS gives it no secret.",
        fix: step,
      },
    ]);
  });

  it("is fine if the two agree", () => {
    const given = { trustee: trusteeOf("snp", "[]"), pod, stack: stackOn("snp") };
    expect(explained(given).verdict).toBe("allowed");
    expect(findings(given, "TA108")).toEqual([]);
  });
});
