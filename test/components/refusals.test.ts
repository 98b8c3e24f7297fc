import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { TrusteeAccessDeclaration } from "../../components/declare.ts";
import { IssuesError } from "../../core/issues.ts";
import { sharedFolder } from "../support/folders.ts";
import { LIVE, mockPulumi } from "./live-trustee.ts";

let live: typeof LIVE | (Omit<typeof LIVE, "policy"> & { policy: string }) = LIVE;
const calls: string[] = [];
const folder = sharedFolder();

function file(name: string, content: string | Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

/** The stack's identity is only in the state, and is compared with the live objects. */
const IDENTITY = "trustee:index:GeneratedValue";

/** All problems of a refused declaration, as lines. Nothing is registered. */
async function problems(declaration: TrusteeAccessDeclaration): Promise<readonly string[]> {
  const { declareTrusteeAccess } = await import("../../components/declare.ts");
  try {
    await declareTrusteeAccess("access", declaration);
  } catch (error) {
    if (!(error instanceof IssuesError)) throw error;
    const others = calls.filter(
      (one) => one !== IDENTITY && !one.startsWith("trustee:index:get") && !one.includes("provider"),
    );
    expect(others).toEqual([]);
    return error.issues.map(({ path, given }) => `${path}: ${given}`.replaceAll(folder, ""));
  }
  throw new Error("it was not refused");
}

beforeAll(async () => {
  // A time at which the fixtures' certificate is valid.
  vi.useFakeTimers({ toFake: ["Date"], now: new Date("2026-01-10T00:00:00Z") });
  await mockPulumi({
    call: ({ token }) => {
      calls.push(token);
      return token === "trustee:index:getTrustee" ? live : { found: {} };
    },
    newResource: ({ type, name, inputs }) => {
      calls.push(type);
      return { id: `${name}-id`, state: inputs as object };
    },
  });
}, 60_000);
beforeEach(() => {
  live = LIVE;
  calls.length = 0;
});
afterAll(() => {
  vi.useRealTimers();
});

describe("all problems are reported at once", () => {
  it("in the settings and their files, before any cluster is read", async () => {
    const missing = join(folder, "nowhere");
    const pods = [
      { name: "a", initdataFile: missing },
      { name: "b", initdataFile: file("bad.toml", "algorithm = ") },
      { name: "c", initdataFile: file("latin.toml", Buffer.from([0xff])) },
      { name: "d", binding: "azure-vtpm", algorithm: "sha384" } as const,
    ];
    const lines = await problems({
      settings: {
        podDefaults: { image: "i" },
        secrets: [
          { name: "s", from: "file", files: { k: missing, l: file("there", "x") } },
          { name: "t", keys: ["k"], files: { k: missing } },
          { name: "u", keys: ["k"], from: "setting" },
        ],
        pods,
        readers: [
          { name: "r", initdataFile: file("old.toml", 'version = "0.0.1"\nalgorithm = "sha256"\n[data]') },
        ],
        grants: [{ pod: "nobody", secret: "s" }],
      },
    });
    expect(lines).toEqual([
      'pods[3].algorithm: "sha384"',
      "secrets[1].files: files for a secret with from: existing",
      "secretValues.u.k: nothing",
      'grants[0].pod: "nobody"',
      'pods[0].initdataFile: "/nowhere", which cannot be read: ENOENT: no such file or directory',
      expect.stringMatching(/^pods\[1\]\.initdataFile: a file that is not TOML: /),
      'pods[2].initdataFile: "/latin.toml", which is not UTF-8',
      'readers[0].initdataFile: version = "0.0.1"',
      'secrets[0].files.k: "/nowhere", which cannot be read: ENOENT: no such file or directory',
    ]);
    expect(calls).toEqual([]);
  });

  it("in a CA file that is missing or holds more than certificates, before any cluster is read", async () => {
    const key = "-----BEGIN PRIVATE KEY-----\nhidden==\n-----END PRIVATE KEY-----\n";
    const files = [join(folder, "nowhere"), file("ca.pem", LIVE.certificate + key), file("empty.pem", "")];
    const lines = await Promise.all(
      files.map(async (certificateAuthorityFile) =>
        problems({ settings: { trustee: { certificateAuthorityFile } } }),
      ),
    );
    const path = "trustee.certificateAuthorityFile";
    expect(lines).toEqual([
      [`${path}: "/nowhere", which cannot be read: ENOENT: no such file or directory`],
      [`${path}: "/ca.pem", which holds more than certificates: PRIVATE KEY`],
      [`${path}: "/empty.pem", which holds no certificate`],
    ]);
    expect(calls).toEqual([]);
  });

  it("in conflicts with the live Trustee", async () => {
    const same = file("same.toml", 'version = "0.1.0"\nalgorithm = "sha256"\n[data]\n');
    const declaration: TrusteeAccessDeclaration = {
      settings: {
        podDefaults: { image: "i" },
        secrets: [{ name: "s", keys: ["k"], from: "generate" }],
        pods: [{ name: "a", initdataFile: same }, { name: "b" }, { name: "c" }],
        readers: [{ name: "r", initdataFile: same }],
        grants: [{ pod: "a", secret: "s" }],
      },
    };
    live = { ...LIVE, certificate: "MIIB", registeredSecrets: [] };
    expect(await problems(declaration)).toEqual([
      "readers[0]: the same initdata as a",
      'trustee.certificateSecret: Secret "trustee-tls-cert", whose certificate cannot be read',
      ...[1, 2].map((index): unknown => expect.stringMatching(`^pods\\[${index}\\]\\.imagePolicy: `)),
    ]);
    live = { ...live, policy: "package policy\n\n# trustee-access stack {\n" };
    expect(await problems(declaration)).toEqual([
      "readers[0]: the same initdata as a",
      expect.stringMatching(/^the live resource policy: a damaged line in the policy/),
    ]);
  });
});
