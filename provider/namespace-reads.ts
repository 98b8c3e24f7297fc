import { IssuesError, type Issue, type Issues } from "../core/issues.ts";
import type { KubeClient } from "../kube/client.ts";
import { KubeError } from "../kube/errors.ts";
import { keysOf } from "../kube/managed-fields.ts";
import type { Kind, KubeObject, ObjectMeta } from "../kube/objects.ts";
import { findKbsConfig } from "../kube/trustee-objects.ts";

const INSTALL = "Install Trustee, or correct the name and the namespace.";

export interface ListedSecrets {
  readonly missing: readonly string[];
  /** Secret -> the names of its keys, if its managed fields list them. */
  readonly keys: Readonly<Record<string, readonly string[]>>;
}

/** Reads a namespace before anything is written. A failed read becomes an issue. */
export class NamespaceReads {
  readonly #kube: KubeClient;
  readonly #namespace: string;
  readonly #issues: Issues;
  /** The first read that got no answer or was not authenticated. */
  #failed: KubeError | undefined;
  #answered = false;

  constructor(kube: KubeClient, namespace: string, issues: Issues) {
    this.#kube = kube;
    this.#namespace = namespace;
    this.#issues = issues;
  }

  /**
   * Fails if a read got no answer. No other problem is reported: the missing answer may explain them all.
   * @throws IssuesError with that one problem
   */
  needAnswers(subject: string): void {
    if (this.#failed === undefined) return;
    throw new IssuesError(subject, [{ path: "trustee.kubeconfig", ...this.#unanswered(this.#failed) }]);
  }

  #unanswered({ failure, detail, next, text }: KubeError): Omit<Issue, "path"> {
    const { server } = this.#kube;
    if (failure === "unauthorized") {
      const given =
        next === undefined ? `credentials that the API server ${server} refuses: ${detail}` : detail;
      const fix = next ?? "Renew the credentials of this kubeconfig context: kubectl auth whoami";
      return { code: "TA802", given, allowed: "a kubeconfig whose user can sign in", fix };
    }
    const allowed = "a cluster that answers";
    if (next !== undefined) return { code: "TA801", given: detail, allowed, fix: next };
    return {
      code: "TA801",
      given: this.#answered ? text : `the API server ${server} does not answer: ${detail}`,
      allowed,
      fix: "Check trustee.kubeconfig and trustee.context: kubectl get namespace",
    };
  }

  /**
   * Reads an object that may be missing.
   * @param dispensable whether this account may also lack the right to read it
   * @returns `undefined` if the read failed and became an issue
   */
  async read(
    kind: Kind,
    name: string,
    dispensable: boolean,
  ): Promise<{ readonly value: KubeObject | undefined } | undefined> {
    const read = async (): Promise<KubeObject | undefined> => {
      try {
        return await this.#kube.get({ kind, namespace: this.#namespace, name });
      } catch (error) {
        if (dispensable && error instanceof KubeError && error.failure === "forbidden") return undefined;
        throw error;
      }
    };
    return this.#attempt(read);
  }

  /** Lists a kind's objects: none if this account must not, or the kind is not installed. */
  async list(kind: Kind): Promise<readonly KubeObject[]> {
    const read = await this.#attempt(async () => {
      try {
        return await this.#kube.list(kind, this.#namespace);
      } catch (error) {
        if (error instanceof KubeError && ["forbidden", "not-found"].includes(error.failure)) return [];
        throw error;
      }
    });
    return read?.value ?? [];
  }

  /** An object that must exist, and must not be immutable or being deleted. */
  async need(kind: Kind, name: string, path: string): Promise<KubeObject | undefined> {
    const read = await this.#attempt(() => this.#kube.get({ kind, namespace: this.#namespace, name }));
    if (read !== undefined && read.value === undefined) this.#missing(kind, name, path, INSTALL);
    return this.#lasting(read?.value, kind, path);
  }

  /** The KbsConfig, or the only one in its place. */
  async needKbsConfig(name: string): Promise<KubeObject | undefined> {
    const path = "trustee.kbsConfig";
    const read = await this.#attempt(() => findKbsConfig(this.#kube, this.#namespace, name));
    if (read === undefined) return undefined;
    if ("found" in read.value) return this.#lasting(read.value.found, "KbsConfig", path);
    const { others } = read.value;
    this.#missing("KbsConfig", name, path, others === "" ? INSTALL : "Set it to one of them.", others);
    return undefined;
  }

  /** Adds an issue if the object cannot be changed. */
  #lasting(found: KubeObject | undefined, kind: Kind, path: string): KubeObject | undefined {
    if (found !== undefined && (found.metadata.deletionTimestamp !== undefined || isFixed(found))) {
      this.#issues.add({
        code: "TA805",
        path,
        given: `${kind} "${found.metadata.name}", which is ${isFixed(found) ? "immutable" : "being deleted"}`,
        allowed: `a ${kind} that can be changed`,
        fix: "Replace it, then run again.",
      });
    }
    return found;
  }

  /** Reads a Secret's metadata, never its data. */
  async metadata(name: string): Promise<ObjectMeta | undefined> {
    return (await this.#attempt(() => this.#metadataOf(name)))?.value;
  }

  /** Reads the metadata of a Secret that must exist. */
  async needSecret(name: string, path: string): Promise<ObjectMeta | undefined> {
    const read = await this.#attempt(() => this.#metadataOf(name));
    if (read !== undefined && read.value === undefined) {
      this.#missing("Secret", name, path, "Create it, correct its name, or let this stack create it.");
    }
    return read?.value;
  }

  /** Finds out which Secrets are missing, and the key names of the others. Unreadable Secrets are skipped. */
  async listed(names: readonly string[]): Promise<ListedSecrets> {
    const found = await Promise.all(
      names.map(async (name) => {
        try {
          return { name, metadata: await this.#metadataOf(name) };
        } catch {
          return undefined;
        }
      }),
    );
    const looked = found.filter((one) => one !== undefined);
    return {
      missing: looked.flatMap(({ name, metadata }) => (metadata === undefined ? [name] : [])),
      keys: Object.fromEntries(
        looked.flatMap(({ name, metadata }) => {
          const keys = metadata && keysOf(metadata);
          return keys === undefined ? [] : [[name, keys] as const];
        }),
      ),
    };
  }

  #metadataOf(name: string): Promise<ObjectMeta | undefined> {
    return this.#kube.getMetadata({ kind: "Secret", namespace: this.#namespace, name });
  }

  #missing(kind: Kind, name: string, path: string, fix: string, more = ""): void {
    this.#issues.add({
      code: "TA804",
      path,
      given: `${kind} "${name}", which does not exist in namespace "${this.#namespace}"${more}`,
      allowed: `a ${kind} that exists`,
      fix,
    });
  }

  /** @returns `undefined` if the read failed and became an issue */
  async #attempt<T>(work: () => Promise<T>): Promise<{ readonly value: T } | undefined> {
    try {
      const value = await work();
      this.#answered = true;
      return { value };
    } catch (error) {
      if (!(error instanceof KubeError) || error.failure === "aborted") throw error;
      if (error.failure === "unreachable" || error.failure === "unauthorized") {
        this.#failed ??= error;
        return undefined;
      }
      this.#answered = true;
      const forbidden = error.failure === "forbidden";
      this.#issues.add({
        code: error.code,
        path: "trustee.kubeconfig",
        given: error.text,
        allowed: forbidden
          ? "an account that may read what this stack needs"
          : "an answer from the API server",
        fix: forbidden
          ? "Use another account, or grant what is missing."
          : "Fix what it reports, then run again.",
      });
      return undefined;
    }
  }
}

/** Whether the object can never be written. Secrets do not count: those checked here are only read. */
function isFixed(object: KubeObject): boolean {
  return object["kind"] === "ConfigMap" && object["immutable"] === true;
}
