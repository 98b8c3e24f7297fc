import { describe, expect, test } from "vitest";
import { type DenialReason, judgeDenial, parseKbsLine } from "../../cli/audit/kbs-log.ts";
import { recording } from "./real-kbs/recording.ts";

/** The meaning of an error for the client. */
const reasons: Readonly<Record<string, DenialReason>> = {
  PolicyDeny: "policy-denied",
  PolicyEngine: "policy-denied",
  PolicyEngineError: "policy-denied",
  PluginInternalError: "absent",
};

const logIn = (section: string): readonly string[] =>
  section.split("\n").flatMap((line) => /^ {4}\| (.*)$/.exec(line)?.[1] ?? []);

/** The error that the section's first client got for a path; undefined if it got the secret. */
function answered(section: string, path: string): string | undefined {
  const secret = path.replace("resource/default/", "");
  const [, name] =
    new RegExp(`^(?:pod\\d: |default/)${secret}:? (?:200|401 (\\w+): )`, "m").exec(section) ?? [];
  return name;
}

describe.each(["v0.16", "v0.18", "v0.21"] as const)("the log of the real KBS %s", (version) => {
  const sections = [...recording(version)].filter(([, text]) => logIn(text).length > 0);

  test.each(sections)("is parsed, with the reason of each denial: %s", (_, section) => {
    const events = logIn(section).flatMap((line) => parseKbsLine(line) ?? []);
    for (const [at, event] of events.entries()) {
      if (event.kind === "error") continue;
      const name = answered(section, event.path);
      expect(event.status).toBe(name === undefined ? 200 : 401);
      if (name === undefined) continue;
      const { reason, sure } = judgeDenial(events.slice(0, at + 1), event.path, { complete: false });
      expect([event.path, reason, sure]).toEqual([event.path, reasons[name], true]);
    }
    const errors = logIn(section).filter((line) => line.includes("ERROR"));
    expect(events.filter(({ kind }) => kind === "error")).toHaveLength(errors.length);
  });
});
