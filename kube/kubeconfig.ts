import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, dirname, isAbsolute, join, resolve } from "node:path";
import process from "node:process";
import type { Cluster, Context, User } from "@kubernetes/client-node";
import { load, YAMLException } from "js-yaml";
import { isRecord, messageOf, own } from "../core/records.ts";
import { isKubeconfigContent } from "../core/settings/cluster.ts";
import { KubeConfig } from "./client-library.ts";
import { UserError } from "../core/issues.ts";

type Fields = Readonly<Record<string, unknown>>;

/** One kubeconfig, or several merged, in the client library's terms. */
export interface Kubeconfig {
  readonly clusters: readonly Cluster[];
  readonly contexts: readonly Context[];
  readonly users: readonly User[];
  /** Empty: none. */
  readonly currentContext: string;
  /** The users by name, as in the file: the library drops unknown fields. */
  readonly rawUsers: ReadonlyMap<string, Fields>;
}

const CHECK = "Check it with: kubectl config view";

/**
 * Reads a kubeconfig as kubectl does.
 * @param setting the path of a file, or its content; `undefined`: all files of $KUBECONFIG, or else
 *   ~/.kube/config
 * @returns undefined if nothing is set and there is no ~/.kube/config
 * @throws UserError without the file's content
 */
export function readKubeconfig(setting: string | undefined): Kubeconfig | undefined {
  if (setting === undefined) return readDefault();
  if (isKubeconfigContent(setting)) return parse(setting, "The kubeconfig");
  const found = readFile(fromHome(setting));
  if (found !== undefined) return found;
  throw new UserError(
    "TA831",
    `There is no kubeconfig at "${setting}". Correct the setting, or unset it to use what kubectl uses.`,
  );
}

function readDefault(): Kubeconfig | undefined {
  const named = process.env["KUBECONFIG"] ?? "";
  if (isKubeconfigContent(named)) {
    throw new UserError(
      "TA831",
      "$KUBECONFIG holds the content of a kubeconfig. Put it into a file, and name that.",
    );
  }
  const files = named.split(delimiter).filter((file) => file !== "");
  if (files.length === 0) {
    const home = homeFolder();
    return home === "" ? undefined : readFile(join(home, ".kube", "config"));
  }
  const found = files.map(readFile).filter((each) => each !== undefined);
  if (found.length > 0) return merge(found);
  throw new UserError(
    "TA831",
    `There is no kubeconfig: $KUBECONFIG names files that do not exist (${files.join(", ")}). ` +
      "Correct it, or unset it to use ~/.kube/config.",
  );
}

/** Expands `~/`, as a shell would: no shell reads the settings. */
export function fromHome(path: string): string {
  return path.startsWith("~/") ? join(homeFolder(), path.slice(2)) : path;
}

/** The home folder; empty if there is none, for example for a container's user without a passwd entry. */
function homeFolder(): string {
  try {
    return homedir();
  } catch {
    return "";
  }
}

/** The first of several entries with the same name wins, and the first current context. */
function merge(all: readonly Kubeconfig[]): Kubeconfig {
  const first = <Named extends { readonly name: string }>(entries: readonly Named[]): readonly Named[] =>
    entries.filter(({ name }, index) => entries.findIndex((other) => other.name === name) === index);
  return {
    clusters: first(all.flatMap(({ clusters }) => clusters)),
    contexts: first(all.flatMap(({ contexts }) => contexts)),
    users: first(all.flatMap(({ users }) => users)),
    currentContext: all.map(({ currentContext }) => currentContext).find((name) => name !== "") ?? "",
    rawUsers: new Map(all.toReversed().flatMap(({ rawUsers }) => [...rawUsers])),
  };
}

function readFile(file: string): Kubeconfig | undefined {
  if (!existsSync(file)) return undefined;
  const source = `The kubeconfig "${file}"`;
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new UserError("TA831", `${source} cannot be read: ${messageOf(error)}.`, { cause: error });
  }
  return parse(text, source, dirname(resolve(file)));
}

/** @param folder the base of relative paths. @default the working directory */
function parse(text: string, source: string, folder?: string): Kubeconfig {
  const document = parseYaml(text, source);
  const users = adapted(document["users"], "user", (user) => adaptedUser(user, folder));
  const clusters = adapted(document["clusters"], "cluster", (cluster) => adaptedCluster(cluster, folder));
  const config = new KubeConfig();
  try {
    config.loadFromString(JSON.stringify({ ...document, clusters, users }));
  } catch (error) {
    throw new UserError("TA831", `${source} cannot be used: ${messageOf(error)}. ${CHECK}`, { cause: error });
  }
  const currentContext = document["current-context"];
  return {
    clusters: config.clusters,
    contexts: config.contexts,
    users: config.users,
    currentContext: typeof currentContext === "string" ? currentContext : "",
    rawUsers: new Map(
      listOf(document["users"])
        .filter((entry) => isRecord(entry))
        .map((entry): [string, Fields] => [
          String(entry["name"]),
          isRecord(entry["user"]) ? entry["user"] : {},
        ])
        .toReversed(),
    ),
  };
}

/** An empty file is an empty kubeconfig, as for kubectl. A parser's own message would quote the file. */
function parseYaml(text: string, source: string): Fields {
  let document: unknown;
  try {
    document = text.trim() === "" ? {} : (load(text) ?? {});
  } catch (error) {
    const line =
      error instanceof YAMLException && error.mark !== undefined ? ` (line ${error.mark.line + 1})` : "";
    throw new UserError("TA831", `${source} is not valid YAML of kind Config${line}. ${CHECK}`);
  }
  if (isRecord(document)) return document;
  throw new UserError("TA831", `${source} is not valid YAML of kind Config. ${CHECK}`);
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Adapts the content of each named entry. Malformed entries are left for the library to report. */
function adapted(entries: unknown, field: string, adapt: (content: Fields) => Fields): readonly unknown[] {
  return listOf(entries).map((entry) => {
    const content = isRecord(entry) ? own(entry, field) : undefined;
    return isRecord(entry) && isRecord(content) ? { ...entry, [field]: adapt(content) } : entry;
  });
}

/** The library needs a flag for plain http, which kubectl accepts without. */
function adaptedCluster(cluster: Fields, folder: string | undefined): Fields {
  const { server } = cluster;
  const plain = typeof server === "string" && server.startsWith("http:");
  return {
    ...withPaths(cluster, ["certificate-authority"], folder),
    ...(plain ? { "insecure-skip-tls-verify": true } : {}),
  };
}

/** The library reads `token-file`; kubectl's `tokenFile` precedes a token and is read as it changes. */
function adaptedUser(user: Fields, folder: string | undefined): Fields {
  const { exec, ...found } = withPaths(user, ["client-certificate", "client-key", "tokenFile"], folder);
  const { tokenFile, token, ...others } = found;
  if (typeof tokenFile === "string" && tokenFile !== "") {
    return { ...others, "auth-provider": { name: "tokenFile", config: { tokenFile } } };
  }
  return { ...others, token, ...(isRecord(exec) ? { exec: adaptedExec(exec, folder) } : {}) };
}

/** A command's relative path starts at the kubeconfig's folder; a bare name is found on PATH. */
function adaptedExec(exec: Fields, folder: string | undefined): Fields {
  const { command } = exec;
  return typeof command === "string" && /[/\\]/.test(command) ? withPaths(exec, ["command"], folder) : exec;
}

/** Makes relative paths start at the folder. A path is dropped if its content is given too. */
function withPaths(fields: Fields, names: readonly string[], folder: string | undefined): Fields {
  return Object.fromEntries(
    Object.entries(fields)
      .filter(([name]) => !names.includes(name) || (fields[`${name}-data`] ?? "") === "")
      .map(([name, value]) => {
        const relative =
          names.includes(name) && typeof value === "string" && value !== "" && !isAbsolute(value);
        return [name, relative && folder !== undefined ? join(folder, value) : value];
      }),
  );
}
