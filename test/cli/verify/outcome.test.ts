import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  classify,
  isAsExpected,
  outcomeWords,
  type ExecResult,
  type Outcome,
} from "../../../cli/verify/outcome.ts";
import { forAll } from "../../support/for-all.ts";

const done: ExecResult = { exitCode: 0, stdout: "", stderr: "", timedOut: false };
const DENIED =
  'rpc status: Status { code: INTERNAL, message: "[CDH] [ERROR]: Get Resource failed", details: [], special_fields: SpecialFields { unknown_fields: UnknownFields { fields: None }, cached_size: CachedSize { size: 0 } } }';

const exited = (exitCode: number, stderr = `command terminated with exit code ${exitCode}`) => ({
  exitCode,
  stderr,
});

describe("the outcome of an exec", () => {
  it.each(
    Object.entries<readonly [Partial<ExecResult>, string]>({
      "the secret": [{ stdout: "Pod 2 secret!" }, "read"],
      "the CDH's refusal, as the tutorial shows it": [{ stdout: DENIED }, "denied"],
      "another error of the CDH": [
        { stdout: 'rpc status: Status { code: DEADLINE_EXCEEDED, message: "timed out", details: [] }' },
        "cdh-error",
      ],
      "a CDH that has ended": [{ stdout: "ttrpc err: remote stream closed" }, "cdh-unreachable"],
      "a CDH that does not answer": [
        { stdout: "ttrpc err: Receive packet timeout Elapsed(())" },
        "cdh-unreachable",
      ],
      "a CDH whose socket is closed": [{ stdout: "socket err: socket disconnected" }, "cdh-unreachable"],
      "a CDH whose socket does not exist": [{ stdout: "Nix error: ENOENT" }, "cdh-unreachable"],
      "a CDH that ends the stream": [{ stdout: "eof" }, "cdh-unreachable"],
      "a request that the REST server cannot parse": [{ stdout: "BAD REQUEST" }, "cdh-error"],
      "a request from another host": [{ stdout: "Forbidden" }, "cdh-error"],
      "a path that the REST server does not know": [{ stdout: "URL NOT FOUND" }, "cdh-error"],
      "a method that it does not support": [{ stdout: "Method Not Allowed" }, "cdh-error"],
      "a REST server without the CDH": [{ stdout: "Resource Feature Not Enabled" }, "cdh-error"],
      "a refusal in a form that no release has": [
        { stdout: '{"error":"[CDH] [ERROR]: Get Resource failed"}' },
        "cdh-error",
      ],
      "a secret that mentions errors": [{ stdout: "how to fix a ttrpc err: read on\neof" }, "read"],
      "no output": [{}, "failed"],
      "the agent's refusal": [
        exited(
          1,
          'error: Internal error occurred: rpc status: Status { code: PERMISSION_DENIED, message: "\\"ExecProcessRequest is blocked by policy: \\"" }',
        ),
        "exec-refused",
      ],
      "no pod": [exited(1, 'Error from server (NotFound): pods "pod9" not found'), "pod-missing"],
      "no controller": [
        exited(1, 'Error from server (NotFound): deployments.apps "web" not found'),
        "pod-missing",
      ],
      "a pod that has no node yet": [
        exited(1, "Error from server (BadRequest): pod pod1 does not have a host assigned"),
        "pod-not-running",
      ],
      "a container that has not started": [
        exited(1, 'error: unable to upgrade connection: container not found ("fraud-detection")'),
        "pod-not-running",
      ],
      "a pod that has ended": [
        exited(1, "error: cannot exec into a container in a completed pod; current phase is Succeeded"),
        "pod-not-running",
      ],
      "curl without a CDH to connect to": [exited(7), "cdh-unreachable"],
      "curl with a CDH that hangs up": [exited(52), "cdh-unreachable"],
      "no answer in time": [{ exitCode: undefined, timedOut: true }, "timed-out"],
      "no curl in the image": [exited(126), "failed"],
    }),
  )("follows from %s", (_, [result, outcome]) => {
    expect(classify({ ...done, ...result }).outcome).toBe(outcome);
  });

  it("quotes an error in one short line, and never a secret", () => {
    const text = (stdout: string): unknown => classify({ ...done, stdout }).text;
    expect(text('rpc status: Status { code: INTERNAL,\n  message: "no hub" }')).toBe(
      'rpc status: Status { code: INTERNAL, message: "no hub" }',
    );
    expect(text(`ttrpc err: ${"x".repeat(1000)}`)).toHaveLength(200);
    expect(text("Forbidden")).toBe("Forbidden");
    expect(["Pod 2 secret!", DENIED, `a ${DENIED}`, ""].map(text)).toEqual(Array(4).fill(undefined));
  });

  it("has kubectl's message if kubectl did not reach the pod", () => {
    const message =
      'Error from server (Forbidden): pods "pod1" is forbidden: User "system:serviceaccount:default:a" cannot create resource "pods/exec" in API group "" in the namespace "default"';
    const failed = (stderr: string): unknown => classify({ ...done, exitCode: 1, stderr });
    expect(failed(`${message}\n`)).toEqual({ outcome: "failed", text: message });
    expect(failed("Unable to connect to the server: EOF")).toMatchObject({
      text: "Unable to connect to the server: EOF",
    });
    expect(failed("curl: option -x: is unknown")).toEqual({ outcome: "failed" });
  });

  it("is never `read` if the text begins like an error of the CDH", () => {
    const begins = fc.constantFrom("rpc status: Status {", "ttrpc err: ", "socket err: ", "Nix error: ");
    forAll(begins, fc.string(), (begin, rest) => {
      expect(classify({ ...done, stdout: begin + rest }).outcome).not.toBe("read");
    });
  });
});

it("a cell is as expected by the secret itself, or by a denial that may be the policy's", () => {
  const ok = (expected: "read" | "denied"): readonly string[] =>
    (Object.keys(outcomeWords) as Outcome[]).filter((seen) => isAsExpected(expected, seen));
  expect({ read: ok("read"), denied: ok("denied") }).toEqual({
    read: ["read"],
    denied: ["policy-denied", "denied"],
  });
});
