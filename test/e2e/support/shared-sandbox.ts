import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { isRecord } from "../../../core/records.ts";
import { CONFIG_MAP_VERSIONS_ANNOTATION, RESTARTED_AT_ANNOTATION } from "../../../core/rollout/kbs-pods.ts";
import type { Generation } from "../../../core/trustee/generation.ts";
import { HttpMethod } from "../../../kube/client-library.ts";
import { type Sandbox, startSandbox, stopSandbox } from "../../../sandbox/api.ts";
import { layout } from "../../../sandbox/pulumi/environment.ts";
import { sandboxesFolder } from "../../../sandbox/state/folders.ts";
import { send } from "./objects.ts";

/** How long a Deployment of the sandbox takes to end the previous pods. Milliseconds. */
const SETTLED = 2_000;

interface Kept {
  readonly sandbox: Sandbox;
  /** Every object in it, as it was at first. */
  readonly first: readonly string[];
}

/** What the files of this worker left as it was. One of a generation, because an idle sandbox takes processor time too. */
const kept = new Map<Generation, Kept>();

/**
 * A sandbox that a previous file used, if every object in it is as at first; otherwise a new one. A start takes as much
 * processor time as four runs of `pulumi up`.
 */
export async function takeSandbox(trustee: Generation = "0.18"): Promise<Sandbox> {
  const last = kept.get(trustee);
  kept.delete(trustee);
  if (last !== undefined) return lent(last);
  count += 1;
  const name = `${namesOf(process.ppid)}${process.pid}-${count}`;
  const sandbox = await startSandbox({ name, trustee });
  return lent({ sandbox, first: await contents(sandbox) });
}

let count = 0;

/** How the names of the sandboxes begin that the workers of a process share. */
function namesOf(parent: number): string {
  return `e2e-${parent}-`;
}

/** Stops what the workers of this process have kept. */
export async function stopKept(): Promise<void> {
  const folder = sandboxesFolder();
  const names = existsSync(folder) ? readdirSync(folder) : [];
  await Promise.all(names.filter((name) => name.startsWith(namesOf(process.pid))).map(stopSandbox));
}

function lent(one: Kept): Sandbox {
  const isAsAtFirst = async (): Promise<boolean> => isDeepStrictEqual(await contents(one.sandbox), one.first);
  const stop = async (): Promise<void> => {
    if (!(await isAsAtFirst()) && (await sleep(SETTLED), !(await isAsAtFirst()))) return one.sandbox.stop();
    const { pulumiState } = layout(one.sandbox.dir);
    rmSync(pulumiState, { recursive: true });
    mkdirSync(pulumiState, { mode: 0o700 });
    await kept.get(one.sandbox.trustee)?.sandbox.stop();
    kept.set(one.sandbox.trustee, one);
  };
  return { ...one.sandbox, stop };
}

/** Kinds that change without a test. */
const restless = ["events", "leases", "replicasets", "controllerrevisions", "endpoints", "endpointslices"];

/** What the API server sets, and what a restart of the KBS changes. */
const volatile = new Set([
  ...["resourceVersion", "uid", "generation", "creationTimestamp", "managedFields", "status"],
  ...["deployment.kubernetes.io/revision", "pod-template-hash"],
  ...[RESTARTED_AT_ANNOTATION, CONFIG_MAP_VERSIONS_ANNOTATION],
]);

function stable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(stable);
  if (!isRecord(value)) return value;
  const members = Object.entries(value).filter(([name]) => !volatile.has(name));
  const left = members.map(([name, one]) => [name, stable(one)] as const);
  return Object.fromEntries(left.filter(([, one]) => !isDeepStrictEqual(one, {})));
}

const metadata = z.looseObject({ namespace: z.string().optional(), labels: z.unknown().optional() });
const lists = {
  groups: z.object({
    groups: z.array(z.object({ preferredVersion: z.object({ groupVersion: z.string() }) })),
  }),
  resources: z.object({ resources: z.array(z.object({ name: z.string(), verbs: z.array(z.string()) })) }),
  items: z.object({ items: z.array(z.looseObject({ metadata })) }),
};

/** Every object in a sandbox, sorted. Of a pod, whose name and volumes are random: its namespace, labels and images. */
async function contents(sandbox: Sandbox): Promise<readonly string[]> {
  const read = async <T>(path: string, schema: z.ZodType<T>): Promise<T> =>
    schema.parse(JSON.parse((await send(sandbox, HttpMethod.GET, path)).text));
  const { groups } = await read("/apis", lists.groups);
  const roots = [
    "/api/v1",
    ...groups.map(({ preferredVersion }) => `/apis/${preferredVersion.groupVersion}`),
  ];
  const found = await Promise.all(
    roots.map(async (root) => {
      const { resources } = await read(root, lists.resources);
      const listed = resources.filter(
        ({ name, verbs }) => verbs.includes("list") && !restless.includes(name),
      );
      return Promise.all(
        listed.map(async ({ name }) => {
          const { items } = await read(`${root}/${name}`, lists.items);
          return items.map(
            (item) => `${root}/${name} ${JSON.stringify(name === "pods" ? podIn(item) : stable(item))}`,
          );
        }),
      );
    }),
  );
  return found.flat(2).sort();
}

const podSchema = z.looseObject({
  metadata,
  spec: z.object({ containers: z.array(z.object({ image: z.string() })) }),
});

function podIn(item: unknown): unknown {
  const {
    metadata: { namespace, labels },
    spec,
  } = podSchema.parse(item);
  return { namespace, labels: stable(labels), images: spec.containers };
}
