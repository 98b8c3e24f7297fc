import { readFileSync } from "node:fs";
import fc from "fast-check";
import { parse } from "smol-toml";
import { describe, expect, it } from "vitest";
import { renderInitdata } from "../../../core/initdata/initdata.ts";
import { tutorialPod1 } from "../../fixtures/pod.ts";
import { forAll } from "../../support/for-all.ts";

interface Document {
  readonly data: Readonly<Record<"aa.toml" | "cdh.toml" | "policy.rego", string>>;
}

const theirs = parse(
  readFileSync(new URL("../../fixtures/tutorial-initdata-pod1.toml", import.meta.url), "utf8"),
);
const ours = parse(renderInitdata(tutorialPod1));
const data = (document: unknown): Document["data"] => (document as Document).data;

/** A policy's statements without comments, blank lines and `policy_data`. */
function statements(policy: string): string[] {
  const [rules = ""] = policy.split("policy_data := ");
  return rules
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
}

/** `policy_data` as Trustee reads it: strict JSON, from its start to the end of the text. */
const policyData = (policy: string): unknown => JSON.parse(policy.split("policy_data := ")[1] ?? "");

describe("initdata", () => {
  it("is this document, byte for byte", () =>
    expect(renderInitdata(tutorialPod1)).toMatchFileSnapshot("../../fixtures/initdata-pod1.toml"));

  it("equals the tutorial's content, with a second TOML parser", () => {
    const { data: _, ...head } = theirs;
    expect(ours).toMatchObject(head);
    expect(parse(data(ours)["aa.toml"])).toEqual(parse(data(theirs)["aa.toml"]));
    expect(parse(data(ours)["cdh.toml"])).toEqual(parse(data(theirs)["cdh.toml"]));
    // Commands are compared argument by argument; the tutorial accepts ["curl -s", URL] for ["curl", "-s",
    // URL].
    expect(statements(data(ours)["policy.rego"])).toEqual(
      statements(data(theirs)["policy.rego"]).flatMap((statement) => {
        if (statement === 'input_command = concat(" ", input.process.Args)') return [];
        return statement === "input_command == allowed_command"
          ? ['input.process.Args == split(allowed_command, " ")']
          : [statement];
      }),
    );
  });

  it("ends its agent policy with strict JSON; the tutorial's has a trailing comma", () => {
    expect(policyData(data(ours)["policy.rego"])).toEqual({
      allowed_commands: [
        "curl -s http://127.0.0.1:8006/cdh/resource/default/fraud-dataset/dataset_key",
        "curl -s http://127.0.0.1:8006/cdh/resource/default/p2-secret/secret",
        "curl -s http://127.0.0.1:8006/cdh/resource/default/kbsres1/key1",
      ],
    });
    expect(() => policyData(data(theirs)["policy.rego"])).toThrow(SyntaxError);
  });

  it("does not depend on the order of the claims", () => {
    forAll(fc.dictionary(fc.stringMatching(/^[a-z_]+$/), fc.string()), (claims) => {
      const reversed = Object.fromEntries(Object.entries(claims).reverse());
      expect(renderInitdata({ ...tutorialPod1, claims: reversed })).toBe(
        renderInitdata({ ...tutorialPod1, claims }),
      );
    });
  });

  it("is valid TOML for any claims and commands, and keeps them", () => {
    forAll(fc.string(), fc.array(fc.string({ minLength: 1 })), (claim, allowedCommands) => {
      const source = { ...tutorialPod1, claims: { claim }, agentPolicy: { logs: false, allowedCommands } };
      const document = parse(renderInitdata(source));
      expect(document["claim"]).toBe(claim);
      expect(policyData(data(document)["policy.rego"])).toEqual({ allowed_commands: allowedCommands });
    });
  });

  it("has no certificate and no image policy if none is given", () => {
    const { certificate: _, imagePolicyUri: __, ...source } = tutorialPod1;
    const document = parse(renderInitdata(source));
    expect(parse(data(document)["aa.toml"])).toEqual({
      token_configs: { coco_as: { url: source.url }, kbs: { url: source.url } },
    });
    expect(parse(data(document)["cdh.toml"])).toEqual({
      socket: "unix:///run/confidential-containers/cdh.sock",
      credentials: [],
      kbc: { name: "cc_kbc", url: source.url },
    });
  });
});
