import TOML from "@iarna/toml";
import { describe, expect, it } from "vitest";
import { joinPolicy } from "../../../core/policy/share.ts";
import { check, DIGEST } from "./support.ts";

describe("the guards", () => {
  it("refuse an image policy that the pods could not read", () => {
    const unregistered =
      'pods[0].imagePolicy: "other/policy", whose secret is not registered with the KBS: a could not start';
    expect(check({ pods: [{ name: "a", imagePolicy: "other/policy" }] }).issues).toEqual([unregistered]);
    expect(
      check({
        pods: [
          { name: "a", imagePolicy: "db/key" },
          { name: "b", imagePolicy: "db/key" },
        ],
      }).issues,
    ).toEqual([
      'pods[1].imagePolicy: "db/key", which the resource policy would deny to b: it could not start',
    ]);
    expect(check({ otherSecrets: "deny" }).issues).toEqual([
      'pods[0].imagePolicy: "trustee-image-policy/policy", which the resource policy would deny to a: it could not start',
      'pods[1].imagePolicy: "trustee-image-policy/policy", which the resource policy would deny to b: it could not start',
    ]);
    expect(
      check({ otherSecrets: "deny", podDefaults: { image: `i${DIGEST}`, imagePolicy: false } }).issues,
    ).toEqual([]);
  });

  it("refuse an image policy that another stack on this Trustee restricts", () => {
    const theirs = {
      stack: "o/p/theirs",
      others: "affirming",
      secrets: { "trustee-image-policy": { "*": { "azure-vtpm": { ["ab".repeat(32)]: "their-pod" } } } },
    } as const;
    expect(check({ pods: [{ name: "a" }] }, { policy: joinPolicy(null, theirs) }).issues).toEqual([
      'pods[0].imagePolicy: "trustee-image-policy/policy", which the resource policy would deny to a: it could not start',
    ]);
  });

  it("look at the files of readers as at those of pods, and name the file where it is what has to be mended", () => {
    const file = (name: string, uri: string): string =>
      TOML.stringify({
        algorithm: "sha256",
        version: "0.1.0",
        name,
        data: {
          "cdh.toml": TOML.stringify({
            kbc: { url: "http://kbs.example.com" },
            image: { image_security_policy_uri: `kbs:///default/${uri}` },
          }),
        },
      });
    const files = { "r.toml": file("r", "other/policy"), "s.toml": file("s", "db/key") };
    const readers = [
      { name: "r", initdataFile: "r.toml" },
      { name: "s", initdataFile: "s.toml" },
    ];
    expect(check({ readers }, {}, files).warnings).toEqual([
      "agent policy of r, s: there is no policy.rego in the initdata file, so the one of the guest's image holds, which by default allows the host everything, exec and a change of policy too.",
      ...[0, 1].flatMap((index) => [
        `readers[${index}].initdataFile: its cdh.toml names the KBS http://kbs.example.com, and the live one is at https://kbs.example.com: the pod gets no secret from this Trustee.`,
        `readers[${index}].initdataFile: its cdh.toml names http://kbs.example.com, which is not https, so the guest does not check that it talks to this KBS. Put the https URL into the file.`,
      ]),
      'readers[0].initdataFile: image policy "other/policy", whose secret is not registered with the KBS: r could not start. Declare it under secrets, or take the image policy out of the file.',
      'readers[1].initdataFile: image policy "db/key", which the resource policy would deny to s: it could not start. Grant db to s.',
    ]);
    expect(check({ pods: [...readers, { name: "a" }] }, {}, files).issues).toEqual([
      'pods[0].initdataFile: "other/policy", whose secret is not registered with the KBS: r could not start',
      'pods[1].initdataFile: "db/key", which the resource policy would deny to s: it could not start',
    ]);
  });
});
