import { createServer } from "node:http";
import { expect, test } from "vitest";
import { explainRollout } from "../../provider/rollout-explain.ts";
import { listening } from "../support/listening.ts";
import { clientOf, kubeconfigOf } from "../kube/api-server.ts";

const ESC = "\u001b";
const LOG = `${ESC}[31mERROR${ESC}[0m kbs: Error: read policy\n\nCaused by:\n    No such file\n    "/opt/policy.rego"\n`;
const owner = { apiVersion: "confidentialcontainers.org/v1alpha1", kind: "KbsConfig", name: "k", uid: "1" };
const event = (kind: string, name: string, message: string): object => ({
  metadata: { name: message },
  type: "Warning",
  reason: "R",
  message,
  involvedObject: { kind, name },
});

const pod = (name: string, restartCount: number, state: object): object => ({
  metadata: { name },
  status: { containerStatuses: [{ name: "kbs", restartCount, state }] },
});

/** The API server's answers, by the last part of the path. */
const answers: Readonly<Record<string, object>> = {
  "/deployments/kbs": {
    metadata: { name: "kbs", ownerReferences: [owner] },
    spec: { template: { spec: {} } },
    status: {
      conditions: [
        { type: "Available", status: "False", reason: "MinimumReplicasUnavailable", message: "of no use" },
        { type: "Progressing", status: "False", reason: "ProgressDeadlineExceeded", message: "timed out" },
        { type: "ReplicaFailure", status: "True", reason: "FailedCreate", message: "exceeded quota" },
      ],
    },
  },
  "/kbsconfigs/k": { metadata: { name: "k" }, spec: { kbsSecretResources: ["good", "opa", "a.b"] } },
  "/secrets/good": { metadata: { name: "good" } },
  "/pods": {
    items: [
      pod("kbs-1", 3, { waiting: { reason: "CrashLoopBackOff", message: "back-off" } }),
      pod("kbs-2", 0, { running: {} }),
    ],
  },
  "/events": {
    items: [
      event("ReplicaSet", "kbs-5d4", "of its ReplicaSet"),
      event("ReplicaSet", "other-5d4", "of another"),
      event("KbsConfig", "k", "of its KbsConfig"),
      event("KbsConfig", "k2", "of another KbsConfig"),
      event("KbsConfig", "k", `two lines\n  - a reason ${ESC}[31m that nobody gave`),
      event("KbsConfig", "k", "long ".repeat(1_000)),
    ],
  },
};

async function explained(mayReadLogs: boolean): Promise<readonly string[]> {
  const server = createServer((request, response) => {
    const [path = "", query = ""] = (request.url ?? "").split("?");
    const isLog =
      path.endsWith("/pods/kbs-1/log") && query.includes("previous=true") && query.includes("container=kbs");
    if (isLog && mayReadLogs) {
      response.writeHead(200, { "content-type": "text/plain" }).end(LOG);
      return;
    }
    const [, found] = Object.entries(answers).find(([end]) => path.endsWith(end)) ?? [];
    const status = { kind: "Status", code: isLog ? 403 : 404, message: "no" };
    response.writeHead(found === undefined ? status.code : 200, { "content-type": "application/json" });
    response.end(JSON.stringify(found ?? status));
  });
  const port = await listening(server);
  const kube = clientOf({ kubeconfig: kubeconfigOf({ server: `http://127.0.0.1:${port}` }) });
  const target = { namespace: "n", deployment: "kbs", configMaps: [] };
  return (await explainRollout(kube, target, new Set(["kbs-1", "kbs-2"]))).others;
}

const SAID = [
  'KbsConfig k lists Secret "opa", which is the name of a volume that every KBS has: the API server refuses a volume of that name, so it refuses every write of the operator',
  `KbsConfig k lists Secret "a.b", which contains a dot, which volume names must not: the API server refuses a volume of that name, so it refuses every write of the operator`,
  "Deployment, Progressing: ProgressDeadlineExceeded timed out",
  "Deployment, ReplicaFailure: FailedCreate exceeded quota",
  "pod kbs-1, container kbs: CrashLoopBackOff back-off",
  "event of kbs-5d4: R of its ReplicaSet",
  "event of k: R of its KbsConfig",
  String.raw`event of k: R two lines\u{a}  - a reason \u{1b}[31m that nobody gave`,
  `event of k: R ${"long ".repeat(1_000)}`.slice(0, 1_400),
];

test("a stalled rollout is explained by its controller, the events, the KbsConfig and the KBS's log", async () => {
  expect(await explained(true)).toStrictEqual([
    ...SAID,
    "log of kbs-1, kbs: Caused by:",
    "log of kbs-1, kbs:     No such file",
    'log of kbs-1, kbs:     "/opt/policy.rego"',
  ]);
});

test("without the right to read logs, the other reasons are given", async () => {
  expect(await explained(false)).toStrictEqual(SAID);
});
