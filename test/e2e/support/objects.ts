import { expect, vi } from "vitest";
import { INITDATA_ANNOTATION } from "../../../core/initdata/annotation.ts";
import { isRecord } from "../../../core/records.ts";
import { HttpMethod, IsomorphicFetchHttpLibrary, RequestContext } from "../../../kube/client-library.ts";
import { kinds, type Kind, type KubeObject } from "../../../kube/objects.ts";
import type { Sandbox } from "../../../sandbox/api.ts";
import type { Manifest } from "../../../sandbox/trustee/manifests/objects.ts";
import { api, clusterOf, NAMESPACE } from "./api.ts";

// What kubectl does, by requests of this process: to start kubectl takes longer than most of its commands.

const anyKind = {
  ...kinds,
  Node: { apiVersion: "v1" },
  Role: { apiVersion: "rbac.authorization.k8s.io/v1" },
  MutatingWebhookConfiguration: { apiVersion: "admissionregistration.k8s.io/v1" },
} as const;
type AnyKind = keyof typeof anyKind;

/** An object. Without a namespace it is in Trustee's; "" if its kind has no namespaces. */
type Target<K extends AnyKind = AnyKind> = readonly [Sandbox, kind: K, name: string, namespace?: string];

/** The path of an object; without a name, of all in its namespace. The plural of these kinds ends in s. */
function pathOf(
  { apiVersion, kind }: Pick<Manifest, "apiVersion" | "kind">,
  namespace = "",
  name?: string,
): string {
  const root = apiVersion.includes("/") ? "/apis" : "/api";
  const place = namespace === "" ? "" : `/namespaces/${namespace}`;
  return `${root}/${apiVersion}${place}/${kind.toLowerCase()}s${name === undefined ? "" : `/${name}`}`;
}

function pathOfKind(kind: AnyKind, namespace: string, name: string): string {
  return pathOf({ ...anyKind[kind], kind }, namespace, name);
}

interface Answer {
  readonly status: number;
  readonly text: string;
  /** The API server's warnings; empty if there are none. */
  readonly warnings: string;
}

/** Sends one request, without retries. */
export async function send(
  sandbox: Sandbox,
  method: HttpMethod,
  path: string,
  body?: object,
  contentType = "application/json",
): Promise<Answer> {
  const config = clusterOf(sandbox);
  const context = new RequestContext(`${config.getCurrentCluster()?.server ?? ""}${path}`, method);
  context.setHeaderParam("Content-Type", contentType);
  if (body !== undefined) context.setBody(JSON.stringify(body));
  await config.applySecurityAuthentication(context);
  const response = await new IsomorphicFetchHttpLibrary().send(context).toPromise();
  const text = await response.body.text();
  return { status: response.httpStatusCode, text, warnings: response.headers["warning"] ?? "" };
}

async function succeed(...request: Parameters<typeof send>): Promise<Answer> {
  const answer = await send(...request);
  if (answer.status < 300) return answer;
  throw new Error(`${request[1]} ${request[2]} failed: ${answer.text}`);
}

const BY_KUBECTL = "fieldManager=kubectl";

/**
 * Creates objects, as `kubectl create` does.
 * @returns the API server's warnings
 */
export async function create(sandbox: Sandbox, ...objects: readonly Manifest[]): Promise<string> {
  const warnings: string[] = [];
  for (const object of objects) {
    const path = `${pathOf(object, object.metadata.namespace)}?${BY_KUBECTL}`;
    warnings.push((await succeed(sandbox, HttpMethod.POST, path, object)).warnings);
  }
  return warnings.join("");
}

/** A pod that another team deploys itself, with this initdata. */
export function foreignPod(name: string, annotation: string, namespace = "default"): Manifest {
  const containers = [{ name: "app", image: "registry.example/app:1" }];
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace, annotations: { [INITDATA_ANNOTATION]: annotation } },
    spec: { runtimeClassName: "kata-remote", containers },
  };
}

/** Creates a Secret in Trustee's namespace. */
export async function createSecret(sandbox: Sandbox, name: string, stringData: object = { a: "b" }) {
  const metadata = { name, namespace: NAMESPACE };
  await create(sandbox, { apiVersion: "v1", kind: "Secret", metadata, stringData });
}

/** A token of a ServiceAccount, as `kubectl create token` prints it. */
export async function tokenOf(sandbox: Sandbox, account: string, namespace: string): Promise<string> {
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`;
  const request = { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: {} };
  const { text } = await succeed(sandbox, HttpMethod.POST, path, request);
  return (JSON.parse(text) as { readonly status: { readonly token: string } }).status.token;
}

/** Creates or updates an object: a server-side apply, which takes over the fields of other managers. */
export async function apply(sandbox: Sandbox, object: Manifest): Promise<void> {
  const { name, namespace } = object.metadata;
  const path = `${pathOf(object, namespace, name)}?${BY_KUBECTL}&force=true`;
  await succeed(sandbox, HttpMethod.PATCH, path, object, "application/apply-patch+yaml");
}

/**
 * Changes an object, as `kubectl patch` does.
 * @param change a merge patch; if it is an array, a JSON patch
 */
export async function patch(
  sandbox: Sandbox,
  kind: AnyKind,
  name: string,
  change: object,
  namespace: string = NAMESPACE,
): Promise<void> {
  const type = Array.isArray(change) ? "application/json-patch+json" : "application/merge-patch+json";
  const path = `${pathOfKind(kind, namespace, name)}?${BY_KUBECTL}`;
  await succeed(sandbox, HttpMethod.PATCH, path, change, type);
}

/** What the API server answers to a DELETE: the object, or a Status if it is gone already. */
interface Deleted {
  readonly metadata?: { readonly uid?: string };
  readonly details?: { readonly uid?: string };
}

/**
 * Deletes an object, and waits until it is gone, as `kubectl delete` does with `--ignore-not-found`.
 * @returns false if there was none
 */
export async function removeFound(...[sandbox, kind, name, namespace = NAMESPACE]: Target): Promise<boolean> {
  const path = pathOfKind(kind, namespace, name);
  const deletion = await send(sandbox, HttpMethod.DELETE, `${path}?propagationPolicy=Background`);
  if (deletion.status === 404) return false;
  const { metadata, details } = JSON.parse(deletion.text) as Deleted;
  const uid = metadata?.uid ?? details?.uid;
  if (deletion.status >= 300 || uid === undefined) throw new Error(`DELETE ${path} failed: ${deletion.text}`);
  const gone = async (): Promise<void> => {
    const { status, text } = await send(sandbox, HttpMethod.GET, path);
    if (status !== 404 && (JSON.parse(text) as Deleted).metadata?.uid === uid)
      throw new Error(`${path} still exists`);
  };
  await vi.waitFor(gone, { timeout: 60_000, interval: 50 });
  return true;
}

/** The same. @throws Error if there is none */
export async function remove(...object: Target): Promise<void> {
  if (!(await removeFound(...object))) throw new Error(`${object[1]} ${object[2]} does not exist`);
}

/** Deletes the pods of the KBS, and waits until they are gone. */
export async function removeKbsPods(sandbox: Sandbox): Promise<void> {
  const pods = await api(sandbox).list("Pod", NAMESPACE, "app=kbs");
  await Promise.all(pods.map(async ({ metadata: { name } }) => removeFound(sandbox, "Pod", name)));
}

/** An object, which must exist. */
export async function read(...[sandbox, kind, name, namespace = NAMESPACE]: Target<Kind>) {
  const found = await api(sandbox).get({ kind, name, namespace });
  if (found === undefined) throw new Error(`there is no ${kind} ${name} in ${namespace}`);
  return found;
}

/** The text of a field, as `kubectl get -o jsonpath` prints it: empty without the field, JSON if it is no string. */
export function field(object: KubeObject | undefined, ...path: readonly string[]): string {
  const value = path.reduce<unknown>((at, name) => (isRecord(at) ? at[name] : undefined), object);
  return typeof value === "string" ? value : value === undefined ? "" : JSON.stringify(value);
}

/** Waits until a controller runs its current pods only, as `kubectl rollout status` does. */
export async function rolledOut(...target: Target<"Deployment" | "StatefulSet">): Promise<void> {
  const done = async (): Promise<void> => {
    const { metadata, spec, status } = await read(...target);
    const { replicas } = spec as { readonly replicas: number };
    const { updateRevision } = status as { readonly updateRevision?: string };
    expect(status).toMatchObject({
      observedGeneration: metadata.generation,
      replicas,
      updatedReplicas: replicas,
      availableReplicas: replicas,
      ...(updateRevision === undefined ? {} : { currentRevision: updateRevision }),
    });
  };
  await vi.waitFor(done, { timeout: 60_000, interval: 50 });
}

export function isReady({ status }: KubeObject): boolean {
  const { conditions = [] } = status as {
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
  return conditions.some((one) => one.type === "Ready" && one.status === "True");
}

/** Waits until pods are Ready, as `kubectl wait` does. */
export async function ready(sandbox: Sandbox, names: readonly string[], namespace = "default") {
  const done = async (): Promise<void> => {
    for (const name of names) {
      const pod = await read(sandbox, "Pod", name, namespace);
      if (!isReady(pod)) throw new Error(`${name} is not ready: ${field(pod, "status")}`);
    }
  };
  await vi.waitFor(done, { timeout: 60_000, interval: 50 });
}
