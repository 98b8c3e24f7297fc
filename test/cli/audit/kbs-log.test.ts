import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { judgeDenial, parseKbsLine, type KbsEvent } from "../../../cli/audit/kbs-log.ts";
import { forAll } from "../../support/for-all.ts";

const AGENT = '"-" "attestation-agent-kbs-client/0.1.0"';

/** The tutorial's own log. */
const TUTORIAL = `[2026-02-25T11:02:01Z ERROR kbs::error] PolicyDeny
[2026-02-25T11:02:01Z INFO actix_web::middleware::logger] 10.129.2.9 "GET /kbs/v0/resource/default/p2-secret/secret HTTP/1.1" 401 110 ${AGENT} 0.000695
[2026-02-25T11:02:03Z INFO actix_web::middleware::logger] 10.129.2.9 "POST /kbs/v0/auth HTTP/1.1" 200 74 ${AGENT} 0.000073
[2026-02-25T11:02:03Z INFO attestation_service] AzSnpVtpm Verifier/endorsement check passed.
[2026-02-25T11:02:03Z INFO actix_web::middleware::logger] 10.129.2.9 "POST /kbs/v0/attest HTTP/1.1" 200 5077 ${AGENT} 0.002771`;

const events = (log: string): readonly KbsEvent[] =>
  log.split("\n").flatMap((line) => parseKbsLine(line) ?? []);

function event(line: string): KbsEvent {
  const read = parseKbsLine(line);
  if (read === undefined) throw new Error(`no event: ${line}`);
  return read;
}

function request(client: string, path: string, status: number): KbsEvent {
  const verb = path.startsWith("resource") ? "GET" : "POST";
  return event(
    `[2026-02-25T11:02:01Z INFO actix_web::middleware::logger] ${client} "${verb} /kbs/v0/${path} HTTP/1.1" ${status} 110 ${AGENT} 0.1`,
  );
}

function error(text: string): KbsEvent {
  return event(`[2026-02-25T11:02:01Z ERROR kbs::error] ${text}`);
}

describe("a line of the KBS's log", () => {
  it("is read in the form of env_logger, as in the tutorial", () => {
    expect(events(TUTORIAL).map(({ line: _, ...rest }) => rest)).toEqual([
      { kind: "error", name: "PolicyDeny" },
      { kind: "request", client: "10.129.2.9", path: "resource/default/p2-secret/secret", status: 401 },
      { kind: "request", client: "10.129.2.9", path: "auth", status: 200 },
      { kind: "request", client: "10.129.2.9", path: "attest", status: 200 },
    ]);
  });

  it("is read in the form of tracing (KBS v0.18 and later), with colours", () => {
    const log = `\u001b[2m2026-07-16T17:43:00.123456Z\u001b[0m \u001b[31mERROR\u001b[0m \u001b[2mkbs::error\u001b[0m\u001b[2m:\u001b[0m PolicyDeny
2026-07-16T17:43:00.123456Z  INFO actix_web::middleware::logger: 10.1.2.3 "GET /kbs/v0/resource/default/p2-secret/secret?a=b HTTP/1.1" 401 110 ${AGENT} 0.000695`;
    expect(events(log)).toEqual([
      { kind: "error", name: "PolicyDeny", line: "2026-07-16T17:43:00.123456Z ERROR kbs::error: PolicyDeny" },
      {
        kind: "request",
        client: "10.1.2.3",
        path: "resource/default/p2-secret/secret",
        status: 401,
        line: `2026-07-16T17:43:00.123456Z  INFO actix_web::middleware::logger: 10.1.2.3 "GET /kbs/v0/resource/default/p2-secret/secret?a=b HTTP/1.1" 401 110 ${AGENT} 0.000695`,
      },
    ]);
  });
});

const PATH = "resource/default/p2-secret/secret";
const complete = { complete: true };

/**
 * Lines of real KBSs, from `data/real-kbs` of the project's shared data: scenario "no reference values for
 * the sample platform".
 */
const DENIED = {
  "v0.16": `[2026-11-28T08:19:03Z ERROR kbs::error] PolicyDeny
[2026-11-28T08:19:03Z INFO  actix_web::middleware::logger] 127.0.0.1 "GET /kbs/v0/resource/default/kbsres1/key1 HTTP/1.1" 401 110 ${AGENT} 0.002450`,
  "v0.18": `2026-11-28T08:15:41.755881Z ERROR kbs::error: PolicyDeny
2026-11-28T08:15:41.755970Z  INFO actix_web::middleware::logger: 127.0.0.1 "GET /kbs/v0/resource/default/kbsres1/key1 HTTP/1.1" 401 110 ${AGENT} 0.003043`,
  "v0.21": `2026-11-28T08:02:02.505981Z ERROR kbs::error: PolicyDeny
2026-11-28T08:02:02.506086Z  INFO actix_web::middleware::logger: 127.0.0.1 "GET /kbs/v0/resource/default/kbsres1/key1 HTTP/1.1" 401 110 ${AGENT} 0.011100`,
};

/**
 * Errors as the same recordings have them, in the form of v0.21 and, where it is another one, of v0.16; with
 * their scenario.
 */
const RECORDED: readonly (readonly [scenario: string, error: string, reason: string])[] = [
  [
    "a missing resource",
    "PluginInternalError { source: resource not found: default/kbsres1/key1 }",
    "absent",
  ],
  [
    "a missing resource, v0.18",
    `PluginInternalError { source: read resource from local fs

Caused by:
    No such file or directory (os error 2) }`,
    "absent",
  ],
  [
    "the policy does not parse",
    `PolicyEngineError(LoadPolicyFailed(
--> :3:1
  |
3 | 
  | ^
error: expecting expression))`,
    "policy-denied",
  ],
  ["the policy does not parse, v0.18", "PolicyEngine(PolicyLoadError)", "policy-denied"],
  [
    "a folder in the policy file's place",
    'PolicyEngineError(PolicyStorageError(GetKeyFailed { source: failed to read the file: Is a directory (os error 21), key: "resource-policy.rego" }))',
    "policy-denied",
  ],
  ["allow is no boolean, v0.16", "PolicyEngine(EvaluationError(not a bool))", "policy-denied"],
];

describe("a recorded denial", () => {
  it.each(Object.entries(DENIED))("of %s is the policy's, with its two lines as evidence", (_, log) => {
    const denial = judgeDenial(events(log), "resource/default/kbsres1/key1", complete);
    expect(denial).toEqual({ reason: "policy-denied", sure: true, evidence: log.split("\n") });
  });

  it.each(RECORDED)("has the reason of the error before it: %s", (_, text, reason) => {
    const log = events(DENIED["v0.21"].replace("PolicyDeny", () => text));
    expect(judgeDenial(log, "resource/default/kbsres1/key1", complete)).toMatchObject({ reason, sure: true });
  });
});

describe("an administrator's request", () => {
  it.each(["POST", "DELETE", "PUT"])("for the same secret is not counted as the pod's: %s", (method) => {
    for (const status of [200, 401]) {
      const log = `[2026-02-25T11:02:01Z INFO  actix_web::middleware::logger] 10.0.0.9 "${method} /kbs/v0/${PATH} HTTP/1.1" ${status} 0 "-" "-" 0.1`;
      expect(events(log)).toEqual([expect.objectContaining({ path: `${method} ${PATH}`, status })]);
      expect(judgeDenial(events(log), PATH, complete).reason).toBe("kbs-not-asked");
    }
  });
});

const own = (status: number): KbsEvent => request("10.0.0.1", PATH, status);

describe("why a secret was not given out", () => {
  const again = request("10.0.0.2", PATH, 401);
  const elsewhere = request("10.0.0.2", "resource/default/x/y", 401);
  const failed = error("AttestationError(RcarAttestFailed {");

  it.each(
    Object.entries<readonly [log: readonly KbsEvent[], reason?: string, sure?: boolean]>({
      "the tutorial's denial": [events(TUTORIAL), "policy-denied"],
      "a first request without a token, then a denial": [
        [error("TokenNotFound"), own(401), request("10.0.0.1", "attest", 200), error("PolicyDeny"), own(401)],
        "policy-denied",
      ],
      "an error of policy evaluation, as KBS v0.17 and later write it": [
        [error("PolicyEngineError(EvaluationError(split expects string))"), own(401)],
        "policy-denied",
      ],
      "a missing file, which every KBS answers with 401": [
        [error("PluginInternalError { source: read resource from local fs"), own(401)],
        "absent",
      ],
      "a 404": [[own(404)], "absent"],
      "a missing token": [[error("TokenNotFound"), own(401)], "attestation-failed"],
      "a denial, and another pod's first request for the same secret, without a token": [
        [error("TokenNotFound"), own(401), error("PolicyDeny"), own(401), error("TokenNotFound"), again],
        "policy-denied",
      ],
      "a denial, and a failed attestation of another client: each may be the pod": [
        [
          error("PolicyDeny"),
          own(401),
          error("TokenNotFound"),
          again,
          failed,
          request("10.0.0.2", "attest", 401),
        ],
        ...(["policy-denied", false] as const),
      ],
      "a failed attestation, after a first request without a token": [
        [
          ...[error("TokenNotFound"), own(401), request("10.0.0.1", "auth", 200)],
          ...[failed, request("10.0.0.1", "attest", 401)],
        ],
        "attestation-failed",
      ],
      "an unknown error": [[error("SerdeError(..)"), own(401)]],
      "a 401 without an error": [[own(401)]],
      nothing: [[], "kbs-not-asked"],
      "requests for other resources only": [
        [request("10.0.0.1", "resource/default/x/y", 200)],
        "kbs-not-asked",
      ],
      "the same secret, given to another pod": [[own(200)], "kbs-not-asked"],
      "a failed attestation of an unknown client": [
        [request("10.0.0.9", "attest", 401)],
        "attestation-failed",
        false,
      ],
      "two different errors before two answers": [
        [error("PolicyDeny"), error("TokenNotFound"), elsewhere, own(401)],
        ...(["attestation-failed", false] as const),
      ],
      "two denials before two answers": [
        [error("PolicyDeny"), error("PolicyDeny"), elsewhere, own(401)],
        "policy-denied",
      ],
    }),
  )("%s", (_, [log, reason, sure = true]) => {
    const denial = judgeDenial(log, PATH, complete);
    expect({ reason: denial.reason, sure: denial.sure }).toEqual({ reason, sure });
  });

  it("is certainly a failed attestation if the pod's own address failed", () => {
    const log = [request("10.0.0.9", "attest", 401), request("10.0.0.1", "attest", 401)];
    const denial = judgeDenial(log, PATH, { complete: true, address: "10.0.0.1" });
    expect(denial).toEqual({ reason: "attestation-failed", sure: true, evidence: [log[1]?.line] });
  });

  it("is unknown if the log does not show requests", () => {
    expect(judgeDenial([], PATH, { complete: false })).toEqual({ sure: true, evidence: [] });
  });

  it("has the decisive lines as evidence", () => {
    expect(judgeDenial(events(TUTORIAL), PATH, complete).evidence).toEqual(TUTORIAL.split("\n").slice(0, 2));
  });

  it("does not depend on successful requests of others", () => {
    const noise = fc.array(
      fc.constantFrom(
        request("10.0.0.7", "auth", 200),
        request("10.0.0.7", "attest", 200),
        request("10.0.0.7", PATH, 200),
        request("10.0.0.7", "resource/default/kbsres1/key1", 200),
      ),
    );
    const log = [error("PolicyDeny"), own(401)] as const;
    const expected = judgeDenial(log, PATH, complete);
    forAll(noise, noise, noise, (before, between, after) => {
      const seen = judgeDenial([...before, log[0], ...between, log[1], ...after], PATH, complete);
      expect(seen).toEqual(expected);
    });
  });
});
