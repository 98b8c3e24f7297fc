import { describe, expect, it } from "vitest";
import { attestationProblem } from "../../../cli/explain/denial.ts";
import { explain } from "../../../cli/explain/explain.ts";
import type { LiveFacts, PodFacts, StackFacts, TrusteeFacts } from "../../../cli/audit/facts.ts";
import { lint } from "../../../cli/lint/lint.ts";
import { bindingOf } from "../../../cli/audit/pod-claims.ts";
import { encodeAnnotation } from "../../../core/initdata/annotation.ts";
import { bindings, claimSpellings, initDataClaim, type Binding } from "../../../core/initdata/binding.ts";
import { joinPolicy } from "../../../core/policy/share.ts";
import { healthyTrustee, NOW, pcr8, podFixture, referenceValues, toml } from "../../fixtures/live-facts.ts";
import { base, withValues, unseen, withAttestationPolicy } from "./support.ts";

const LATER = "2035-01-01T00:00:00Z";

/** A pod of which only its stack knows on what it runs. */
function anywhere(name: string, changes: Partial<PodFacts> = {}): PodFacts {
  const { machineType: _, ...pod } = podFixture(name);
  return { ...pod, ...changes };
}

function claim(binding: Binding, name: string): string {
  return initDataClaim(binding, "sha256", toml(name));
}

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
function trusteeOf(binding: Binding, values: string): TrusteeFacts {
  const readers = claimSpellings(binding, claim(binding, "pod2")).map((spelling) => [spelling, "pod2"]);
  const policy = joinPolicy("package policy\n", {
    stack: "organization/trustee-access/dev",
    others: "deny",
    secrets: { "p2-secret": { "*": { [binding]: Object.fromEntries(readers) as Record<string, string> } } },
  });
  return {
    ...withValues(values),
    policy: {
      name: "trusteeconfig-resource-policy",
      data: { "policy.rego": policy },
      changedAt: NOW - 8000,
      resourceVersion: "100",
    },
  };
}

interface Case {
  readonly trustee: TrusteeFacts;
  readonly pod: PodFacts;
  readonly stack?: StackFacts;
}

/** What verify takes a correct denial of p2-secret for. */
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

/** The findings about digests, in short. */
function found({ trustee, pod, stack }: Case): readonly string[] {
  const facts: LiveFacts = {
    trustee,
    pods: [pod],
    answers: { kind: "answers", byQuestion: new Map() },
    stack,
  };
  return lint(facts)
    .filter(({ id }) => id === "TA102" || id === "TA103")
    .map(({ id, severity, what }) => `${severity} ${id} ${what}`);
}

describe.each(["snp", "tdx"] as const)(
  "a pod on bare metal, %s, which needs no reference value",
  (binding) => {
    const EMPTY = "[]";
    const OTHERS = referenceValues([["snp_pcr08", LATER, [pcr8.pod1]]]);

    it.each([EMPTY, OTHERS])("is denied by the policy, and not for its attestation: %#", (values) => {
      const given = {
        trustee: trusteeOf(binding, values),
        pod: anywhere("pod3"),
        stack: stackOn(binding),
      };
      expect(denial(given)).toBeUndefined();
      expect(explained(given)).toMatchObject({
        verdict: "denied",
        reference: expect.stringMatching(
          /^holds: the attestation policy asks for no reference value for (?:host data|mr_config_id) on/,
        ) as string,
      });
      expect(found({ ...given, trustee: trusteeOf(binding, EMPTY) })).toEqual([]);
    });

    it("is given what it is granted, with or without its stack", () => {
      const given = { trustee: trusteeOf(binding, OTHERS), pod: anywhere("pod2") };
      expect(explained({ ...given, stack: stackOn(binding) }).verdict).toBe("allowed");
      expect(explained(given).verdict).toBe("allowed");
      expect(found(given).filter((line) => line.includes("TA103"))).toEqual([]);
    });

    it("is known by its stack also with other initdata than that declares", () => {
      const pod = { ...anywhere("pod3"), annotation: encodeAnnotation(toml("other")) };
      expect(denial({ trustee: trusteeOf(binding, EMPTY), pod, stack: stackOn(binding) })).toBeUndefined();
    });

    it("is known by its runtime class", () => {
      const pod = anywhere("pod3", { runtimeClass: `kata-qemu-${binding}` });
      expect(found({ trustee: trusteeOf(binding, EMPTY), pod })).toEqual([]);
    });

    it("does not attest well where its stack has entries for it, which have lost its digest", () => {
      const given = {
        trustee: unseen(trusteeOf(binding, referenceValues([["mine", LATER, [claim(binding, "pod2")]]]))),
        pod: anywhere("pod3"),
        stack: stackOn(binding, ["mine"]),
      };
      expect(explained(given).reference).toBe(
        "unknown: no reference value holds this digest; whether the attestation policy asks for it is not seen",
      );
      const asking = `package policy\nexecutables := 3 if { input.${binding}\n input.init_data in query_reference_value("mine") }\n`;
      const asked = { ...given, trustee: withAttestationPolicy(asking, given.trustee) };
      expect(denial(asked)).toContain("no reference value holds this digest");
      expect([given, asked].map((one) => found(one).filter((line) => line.includes("TA103")).length)).toEqual(
        [1, 1],
      );
    });

    it("needs none for the entries that its stack writes for others", () => {
      const { claims, bindings: known } = stackOn(binding);
      const stack: StackFacts = {
        claims: { ...claims, pod1: pcr8.pod1 },
        bindings: { ...known, pod1: "azure-vtpm" },
        entries: ["init_data"],
      };
      const trustee = trusteeOf(binding, referenceValues([["init_data", LATER, [pcr8.pod1]]]));
      expect(denial({ trustee, pod: anywhere("pod3"), stack })).toBeUndefined();
    });
  },
);

describe("an SNP pod", () => {
  it("is registered by its host data in either spelling", () => {
    const trustee = trusteeOf(
      "snp",
      referenceValues([["host_data", LATER, [...claimSpellings("snp", claim("snp", "pod3"))]]]),
    );
    expect(found({ trustee, pod: anywhere("pod3") })).toEqual([]);
    const [, base64 = ""] = claimSpellings("snp", claim("snp", "pod3"));
    const old = trusteeOf("snp", referenceValues([["host_data", LATER, [base64]]]));
    expect(found({ trustee: old, pod: anywhere("pod3") })).toEqual([]);
    expect(denial({ trustee: old, pod: anywhere("pod3"), stack: stackOn("snp") })).toBeUndefined();
  });
});

describe("a pod of which nothing says on what it runs", () => {
  const given = { trustee: trusteeOf("azure-vtpm", "[]"), pod: anywhere("pod3") };

  it("is not said to attest badly: on bare metal it would not", () => {
    expect(denial(given)).toBeUndefined();
    expect(explained({ ...given, pod: anywhere("pod1") })).toMatchObject({
      reference: expect.stringMatching(
        /^unknown: no reference value holds this digest: a pod with a vTPM/,
      ) as string,
    });
    expect(found(given)).toEqual([
      `note TA103 The pod's PCR8 ${pcr8.pod3} is in no reference value; on bare metal it needs none.`,
    ]);
  });

  it("is said to where its stack, or its instance size, says that it has a vTPM", () => {
    expect(denial({ ...given, stack: stackOn("azure-vtpm") })).toContain(
      "no reference value holds this digest",
    );
    expect(denial({ ...given, pod: podFixture("pod3") })).toContain("no reference value holds this digest");
  });
});

describe("an entry of the reference values that a stack names as it likes", () => {
  const trustee = unseen(
    trusteeOf("azure-vtpm", referenceValues([["my_entry", LATER, [pcr8.pod2, pcr8.pod3]]])),
  );
  const stack = stackOn("azure-vtpm", ["my_entry"]);

  it("holds the digests of its pods", () => {
    const pod = podFixture("pod3");
    expect(denial({ trustee, pod, stack })).toBeUndefined();
    expect(explained({ trustee, pod: podFixture("pod2"), stack })).toEqual({
      verdict: "allowed",
      reference: `holds: my_entry holds this digest`,
    });
    expect(found({ trustee, pod, stack })).toEqual([
      `warning TA102 No running pod has the digest ${pcr8.pod2}, which my_entry holds.`,
    ]);
  });

  it("is not judged by its name where no stack says what it is for", () => {
    const pod = podFixture("pod2");
    expect(denial({ trustee, pod: podFixture("pod3") })).toBeUndefined();
    expect(explained({ trustee, pod })).toEqual({
      verdict: "uncertain",
      reference:
        "unknown: my_entry holds this digest, but it is unknown whether this entry is for digests of initdata",
    });
    expect(found({ trustee, pod })).toEqual([]);
  });

  it("is none that holds a measurement of the boot", () => {
    const boot = withValues(referenceValues([["snp_pcr11", LATER, [pcr8.pod3]]]));
    expect(denial({ trustee: boot, pod: podFixture("pod3") })).toContain(
      "no reference value holds this digest",
    );
  });
});

describe("how a TEE binds initdata", () => {
  it.each(bindings)("follows from the claim in a stack's outputs: %s", (binding) => {
    const annotation = encodeAnnotation(toml("pod1"));
    expect(bindingOf(annotation, claim(binding, "pod1"))).toBe(binding);
    expect(bindingOf(annotation, claim(binding, "pod2"))).toBeUndefined();
    expect(bindingOf("%", claim(binding, "pod1"))).toBeUndefined();
  });
});

describe("a pod on a development cluster", () => {
  it("follows from its runtime class, and explain asks as the sample TEE", () => {
    const pod = anywhere("pod2", { runtimeClass: "kata-qemu-coco-dev" });
    const trustee = trusteeOf("sample", "[]");
    expect(explained({ trustee, pod })).toEqual({
      verdict: "allowed",
      reference: "holds: the attestation policy asks for no reference value for sample init_data on sample",
    });
    expect(explained({ trustee, pod: anywhere("pod2", { runtimeClass: "kata-qemu-snp" }) }).verdict).toBe(
      "denied",
    );
  });

  it("is denied what is granted to the same digest on hardware, with the reason", () => {
    const pod = anywhere("pod2", { runtimeClass: "kata-qemu-coco-dev" });
    const { verdict, conditions } = explain({
      ...base,
      trustee: { ...base.trustee, ...trusteeOf("snp", "[]") },
      pod,
    });
    expect([verdict, conditions.find(({ id }) => id === "policy")?.detail]).toEqual([
      "denied",
      "the policy grants the secret to this digest on another TEE than sample",
    ]);
  });
});

describe("a Trustee without the key of the reference values", () => {
  it("has none that bare metal would need", () => {
    const trustee = { ...healthyTrustee, referenceValues: { ...withValues("[]").referenceValues, data: {} } };
    const given = { trustee: trustee as TrusteeFacts, pod: anywhere("pod3") };
    expect(denial({ ...given, stack: stackOn("snp") })).toBeUndefined();
    expect(denial({ ...given, stack: stackOn("azure-vtpm") })).toContain("there is no key");
  });
});

describe("a pod whose runtime class contradicts its binding", () => {
  const entries = ["snp_pcr08", "tdx_pcr08"].map((name) => [name, LATER, [pcr8.pod2]] as const);
  const trustee = trusteeOf("azure-vtpm", referenceValues(entries));
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
    const facts: LiveFacts = { trustee, pods: [pod], answers: base.answers, stack };
    expect(lint(facts).filter(({ id }) => id === "TA108")).toEqual([
      {
        id: "TA108",
        severity: "warning",
        where: { kind: "Pod", namespace: "default", name: "pod2" },
        what: "Its stack, or what is registered and granted, says that the pod is azure-vtpm, but its runtimeClassName kata-qemu-snp fits snp.",
        why: "Its TEE reports another claim than the granted one, so the KBS gives it no secret.",
        fix: step,
      },
    ]);
  });

  it("is neither where the two agree", () => {
    const given = { trustee: trusteeOf("snp", "[]"), pod, stack: stackOn("snp") };
    expect(explained(given).verdict).toBe("allowed");
    const facts: LiveFacts = { ...given, pods: [pod], answers: base.answers };
    expect(lint(facts).filter(({ id }) => id === "TA108")).toEqual([]);
  });
});
