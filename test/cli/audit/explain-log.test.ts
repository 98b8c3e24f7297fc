import { describe, expect, it } from "vitest";
import { lastRequest } from "../../../cli/explain/log.ts";
import { explanationText } from "../../../cli/explain/explanation.ts";
import { explain } from "../../../cli/explain/explain.ts";
import { NOW } from "../../fixtures/live-facts.ts";
import { base, logOf } from "./support.ts";

/** A request's line as the KBS writes it. */
const answer = (status: number, client = "10.0.0.1"): string =>
  `[2026-02-28T23:59:01Z INFO actix_web::middleware::logger] ${client} "GET /kbs/v0/resource/default/p2-secret/secret HTTP/1.1" ${status} 110`;

const DENIED = `[2026-02-28T23:59:01Z ERROR kbs::error] PolicyDeny\n${answer(401)}`;

/** The KBS's last answer about p2-secret/secret to the pod at 10.0.0.1. */
function lastAnswer(...logs: Parameters<typeof lastRequest>[0]): unknown {
  const last = lastRequest(logs, "p2-secret", "secret", "10.0.0.1");
  return typeof last === "object" ? last.what : last;
}

const GIVEN = "last answer, to this pod's address: given out";
const POLICY = "last answer, to this pod's address: denied by the policy";

describe("the last answer of a KBS with several pods", () => {
  it("is the newest, in any order of the logs", () => {
    const older = logOf(DENIED, NOW - 600);
    const newer = logOf(answer(200), NOW - 60);
    expect([lastAnswer(older, newer), lastAnswer(newer, older)]).toEqual([GIVEN, GIVEN]);
    const again = logOf(DENIED, NOW);
    expect([lastAnswer(again, newer), lastAnswer(newer, again)]).toEqual([POLICY, POLICY]);
  });

  it("is this pod's own, even if another client's is newer", () => {
    expect(lastAnswer(logOf(answer(200, "10.9.9.9"), NOW), logOf(DENIED, NOW - 600))).toBe(POLICY);
    expect(
      lastAnswer(logOf(answer(200, "10.9.9.9"), NOW - 600), logOf(answer(404, "10.9.9.8"), NOW)),
    ).toContain("to 10.9.9.8, which is not this pod's address");
  });

  it("is its own, even if the policy denied others meanwhile", () => {
    const others = `[2026-02-28T23:59:01Z ERROR kbs::error] PolicyDeny\n${answer(401, "10.9.9.9")}`;
    const unattested = `[2026-02-28T23:59:01Z ERROR kbs::error] TokenNotFound\n${answer(401)}`;
    expect(lastAnswer(logOf(`${others}\n${unattested}\n${others}`))).toBe(
      "last answer, to this pod's address: the client failed to attest",
    );
  });

  it("is not an administrator's", () => {
    expect(lastAnswer(logOf(answer(200).replace("GET", "POST")))).toBeUndefined();
    expect(lastAnswer(logOf(`${DENIED}\n${answer(200).replace("GET", "POST")}`))).toBe(POLICY);
  });

  it("is the last line's if no time is known", () => {
    const lines = `${answer(200)}\n${DENIED}`.split("\n").map((text) => ({ at: Number.NaN, text }));
    expect(lastAnswer(lines)).toBe(POLICY);
  });

  it("has a note about a log that could not be read", () => {
    expect(lastAnswer()).toBeUndefined();
    expect(lastAnswer(logOf(""), "kubectl timed out")).toBe("kubectl timed out");
    expect(lastAnswer("forbidden", logOf(answer(200)))).toBe(
      `${GIVEN} (the log of another KBS pod was not read: forbidden)`,
    );
    expect(explanationText(explain({ ...base, log: ["kubectl timed out"] }))).toContain(
      "KBS log: not read (kubectl timed out).",
    );
  });
});
