import { describe, expect, it } from "vitest";
import type { RawSettings } from "../../../core/settings/settings.ts";
import { settingsIssues } from "../../fixtures/settings.ts";

/** The path, given and allowed of each problem. */
const problems = (raw: RawSettings): readonly string[] =>
  settingsIssues(raw).map(({ path, given, allowed }) => `${path}: ${given}; allowed: ${allowed}`);

const A_URL = "an http or https URL with a host, for example https://kbs.example.com:8080";
const A_PATH = "a secret and a key as secret/key";

describe("trustee.url", () => {
  it.each(["kbs.example.com:8080", "kbs.example.com", "foo", "ftp://kbs.example.com", "https://", "https:a"])(
    "refuses %s",
    (url) => {
      expect(problems({ trustee: { url } })).toEqual([`trustee.url: "${url}"; allowed: ${A_URL}`]);
    },
  );

  it.each(["https://kbs.example.com:8080", "http://kbs.example.com", "https://[::1]:80/", "HTTPS://Kbs"])(
    "accepts %s",
    (url) => {
      expect(problems({ trustee: { url } })).toEqual([]);
    },
  );
});

it.each(
  Object.entries<readonly [RawSettings, ...unknown[]]>({
    "a claim's name": [
      { podDefaults: { claims: { "a b": "x" } } },
      `podDefaults.claims.a b: the name "a b"; allowed: a claim's name of letters, digits, '_' and '-'`,
    ],
    "a request of the agent": [
      { podDefaults: { agentRequests: { Nope: true } } },
      expect.stringMatching(
        /^podDefaults\.agentRequests: the unknown setting "Nope"; allowed: \w+Request, .*WriteStreamRequest$/,
      ),
    ],
    "a misspelled setting": [
      { podCluster: { kubconfig: "x" }, referenceValues: { entries: { sev: [] } } },
      'podCluster: the unknown setting "kubconfig"; allowed: kubeconfig, context, cloud',
      'referenceValues.entries: the unknown setting "sev"; allowed: azure-vtpm, snp, tdx',
    ],
    "a misspelled setting in a list": [
      { grants: [{ secrt: "x", secret: "s" }] },
      'grants[0]: the unknown setting "secrt"; allowed: pod, reader, secret, key',
    ],
    "one of two kinds": [
      { podDefaults: { machineType: 5, imagePolicy: true } },
      "podDefaults.imagePolicy: true; allowed: a text or false",
      "podDefaults.machineType: 5; allowed: a text or false",
    ],
    "a path of a secret": [
      { podDefaults: { imagePolicy: "x", execCurl: ["y"] } },
      `podDefaults.execCurl[0]: "y"; allowed: ${A_PATH}`,
      `podDefaults.imagePolicy: "x"; allowed: ${A_PATH}`,
    ],
    "one of some": [
      { rotation: "never", trustee: { generation: "1" }, podCluster: { cloud: "gcp" } },
      'trustee.generation: "1"; allowed: "0.18" or "0.21"',
      'podCluster.cloud: "gcp"; allowed: "azure", "aws" or "libvirt"',
      'rotation: "never"; allowed: "overlap" or "at-once"',
    ],
    numbers: [
      { trustee: { rolloutTimeoutMinutes: 0 }, podDefaults: { replicas: 20_000 } },
      "trustee.rolloutTimeoutMinutes: 0; allowed: a number above 0",
      "podDefaults.replicas: 20000; allowed: a number of 10000 at most",
    ],
    "more numbers": [
      { podDefaults: { replicas: 1.5 }, secrets: [{ name: "s", keys: ["k"], from: "generate", length: 8 }] },
      "secrets[0].length: 8; allowed: a number of 16 at least",
      "podDefaults.replicas: 1.5; allowed: a whole number",
    ],
    kinds: [
      { podDefaults: { env: [], command: "ls", logs: "yes", image: "", namespace: 5 }, podCluster: "x" },
      'podCluster: "x"; allowed: a map of settings',
      'podDefaults.image: ""; allowed: a text that is not empty',
      'podDefaults.logs: "yes"; allowed: true or false',
      "podDefaults.namespace: 5; allowed: a text",
      'podDefaults.command: "ls"; allowed: a list',
      "podDefaults.env: []; allowed: a map, name: value",
    ],
  }),
)("a setting of the wrong form reports what is allowed: %s", (_, [raw, ...expected]) => {
  expect([...problems(raw)].sort()).toEqual([...expected].sort());
});
