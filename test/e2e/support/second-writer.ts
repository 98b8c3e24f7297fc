import { setTimeout as sleep } from "node:timers/promises";
import { readDocument } from "../../../core/reference-values/document.ts";
import { generationFacts, trusteeNames, type Generation } from "../../../core/trustee/generation.ts";
import { KubeClient } from "../../../kube/client.ts";
import { loadCluster } from "../../../kube/cluster.ts";
import { KubeError } from "../../../kube/errors.ts";
import { guardedPatch } from "../../../kube/guarded-patch.ts";
import type { KubeObject, ObjectRef } from "../../../kube/objects.ts";
import type { Sandbox } from "../../../sandbox/api.ts";
import { paddedBase64url } from "../../support/base64url.ts";
import { NAMESPACE } from "./cluster.ts";

const policy = { kind: "ConfigMap", namespace: NAMESPACE, name: trusteeNames.resourcePolicy } as const;
const values = { kind: "ConfigMap", namespace: NAMESPACE, name: trusteeNames.referenceValues } as const;
const kbsConfig = { kind: "KbsConfig", namespace: NAMESPACE, name: trusteeNames.kbsConfig } as const;

/**
 * Milliseconds between two added digests. They change the text that our merge builds on: a client that
 * changes it faster than we read and write blocks every optimistic writer. Our write then fails after 24
 * tries (test/provider/faults.test.ts).
 */
const PAUSE = 50;

interface Entry {
  readonly name: string;
  readonly value: readonly string[];
}

/**
 * Another client that writes to the three shared objects all the time, as fast as the API server allows. It
 * also keeps adding its own digests to our entry of the reference values.
 */
export class SecondWriter {
  /** The number of writes to each object, without digests. */
  readonly writes = { policy: 0, values: 0, kbsConfig: 0 };
  /** The digests added to `snp_pcr08`, in order. */
  readonly digests: string[] = [];
  readonly #kube: KubeClient;
  readonly #generation: Generation;
  #loops: Promise<unknown> = Promise.resolve();
  #writing = false;

  constructor(sandbox: Sandbox) {
    this.#kube = new KubeClient(
      loadCluster({ kubeconfig: sandbox.kubeconfig }),
      new AbortController().signal,
      "second-writer",
    );
    this.#generation = sandbox.trustee;
  }

  start(): void {
    this.#writing = true;
    this.#loops = Promise.all([
      this.#loop(async () => this.#touch(policy, String((this.writes.policy += 1)))),
      this.#loop(async () => this.#touch(values, String((this.writes.values += 1)))),
      this.#loop(async () => this.#addDigest()),
      this.#loop(async () => this.#touchKbsConfig()),
    ]);
  }

  async stop(): Promise<void> {
    this.#writing = false;
    await this.#loops;
  }

  async #loop(write: () => Promise<void>): Promise<void> {
    while (this.#writing) await write();
  }

  /** Writes its own key and annotation. */
  async #touch(configMap: ObjectRef, theirs: string): Promise<void> {
    await this.#untilWritten(async () =>
      this.#kube.patch(configMap, {
        data: { "theirs.txt": theirs },
        metadata: { annotations: { "other-team/writes": theirs } },
      }),
    );
  }

  /** Adds its own digest to our entry: read, change, write. */
  async #addDigest(): Promise<void> {
    const digest = (this.digests.length + 1).toString(16).padStart(64, "0");
    await this.#change(values, (live) => {
      const { referenceValuesKey: key } = generationFacts[this.#generation];
      const data = live["data"] as Readonly<Record<string, string>>;
      return { data: { [key]: this.#withDigest(data[key] ?? "", digest) } };
    });
    this.digests.push(digest);
    await sleep(PAUSE);
  }

  #withDigest(text: string, digest: string): string {
    const add = (entry: Entry): Entry =>
      entry.name === "snp_pcr08" ? { ...entry, value: [...entry.value, digest] } : entry;
    if (this.#generation === "0.18") {
      return JSON.stringify((JSON.parse(text) as readonly Entry[]).map(add), null, 2);
    }
    const entries = Object.entries(JSON.parse(text) as Readonly<Record<string, string>>).map(
      ([name, encoded]): [string, string] => {
        const entry = JSON.parse(Buffer.from(encoded, "base64url").toString()) as Entry;
        return [name, paddedBase64url(JSON.stringify(add(entry)))];
      },
    );
    return JSON.stringify(Object.fromEntries(entries), null, 2);
  }

  /** Writes an annotation, and once its own Secret to the list. */
  async #touchKbsConfig(): Promise<void> {
    const theirs = String((this.writes.kbsConfig += 1));
    await this.#untilWritten(async () =>
      this.#kube.patch(kbsConfig, { metadata: { annotations: { "other-team/writes": theirs } } }),
    );
    if (this.writes.kbsConfig !== 10) return;
    await this.#change(kbsConfig, (live) => {
      const { kbsSecretResources } = live["spec"] as { readonly kbsSecretResources: readonly string[] };
      return { spec: { kbsSecretResources: [...kbsSecretResources, "theirs"] } };
    });
  }

  async #change(
    ref: ObjectRef,
    merge: (live: KubeObject) => Readonly<Record<string, unknown>>,
  ): Promise<void> {
    await this.#untilWritten(async () => {
      const live = await this.#kube.get(ref);
      if (live === undefined) throw new Error(`${ref.kind} ${ref.name} does not exist`);
      // With the resourceVersion in it, this write would almost always conflict with the other loops.
      await this.#kube.patchGuarded(ref, guardedPatch(live, [], merge(live)));
    });
  }

  /** A write without a resourceVersion may conflict too: the API server gives up after five retries. */
  async #untilWritten(write: () => Promise<unknown>): Promise<void> {
    for (;;) {
      try {
        await write();
        return;
      } catch (error) {
        if (!(error instanceof KubeError) || error.failure !== "conflict") throw error;
      }
    }
  }
}

/** The values of an entry, from a text of that generation. */
export function valuesOf(generation: Generation, text: string, name: string): readonly string[] {
  const { entries } = readDocument(generationFacts[generation].referenceValuesKey, text);
  return entries.filter((entry) => entry.name === name).flatMap((entry) => entry.values);
}
