import { readFile } from "node:fs/promises";
import { inspectInitdata } from "../core/initdata/verbatim.ts";
import { Issues } from "../core/issues.ts";
import { onlyCertificates } from "../core/pem.ts";
import { messageOf } from "../core/records.ts";
import type { Settings } from "../core/settings/schema.ts";

/** The content of the files in the settings. Paths start at the project's folder. */
export interface Files {
  /** Path -> its initdata document. */
  readonly initdata: Readonly<Record<string, string>>;
  /** Secret -> key -> base64 of the file's bytes. */
  readonly secrets: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** The certificates in `trustee.certificateAuthorityFile`. */
  readonly authority?: string | undefined;
}

/** A file, and the path of the setting that names it. */
interface NamedFile {
  readonly path: string;
  readonly file: string;
}

async function read(
  { path, file }: NamedFile,
  kind: string,
  issues: Issues,
  fix = "Correct the path, or the permissions of the file.",
): Promise<Buffer | undefined> {
  try {
    return await readFile(file);
  } catch (error) {
    // Node's message ends with the call and the path.
    const reason = messageOf(error).replace(/, \w+( '.*')?$/, "");
    const allowed = `the path of a ${kind}, from the project's folder`;
    issues.add({ code: "TA701", path, given: `"${file}", which cannot be read: ${reason}`, allowed, fix });
    return undefined;
  }
}

/** Works on all items in parallel. Issues keep the order of the items. */
async function forEach<Item, Result>(
  items: readonly Item[],
  issues: Issues,
  work: (item: Item, issues: Issues) => Promise<Result>,
): Promise<Result[]> {
  const worked = items.map(async (item) => {
    const own = new Issues();
    return { result: await work(item, own), found: own.found };
  });
  const all = await Promise.all(worked);
  issues.addAll(all.flatMap(({ found }) => found));
  return all.map(({ result }) => result);
}

/** Reads an initdata document that a guest would accept. */
async function readDocument({ path, file }: NamedFile, issues: Issues): Promise<readonly [string, string][]> {
  const fix = "Correct the path, or remove the setting to have the initdata generated.";
  const bytes = await read({ path, file }, "TOML file", issues, fix);
  if (bytes === undefined) return [];
  // The digest is over bytes. If they are not UTF-8, the text would be another document.
  const text = bytes.toString("utf8");
  if (Buffer.from(text, "utf8").equals(bytes)) {
    inspectInitdata(text, path, issues);
    return [[file, text]];
  }
  issues.add({
    code: "TA702",
    path,
    given: `"${file}", which is not UTF-8`,
    allowed: "a TOML file in UTF-8",
    fix: "Correct the file.",
  });
  return [];
}

async function readInitdata(
  { pods, readers }: Pick<Settings, "pods" | "readers">,
  issues: Issues,
): Promise<Files["initdata"]> {
  const named = Object.entries({ pods, readers }).flatMap(([section, all]) =>
    all.flatMap(({ initdataFile: file }, index): NamedFile[] =>
      file === undefined ? [] : [{ path: `${section}[${index}].initdataFile`, file }],
    ),
  );
  return Object.fromEntries((await forEach(named, issues, readDocument)).flat());
}

async function readSecrets(secrets: Settings["secrets"], issues: Issues): Promise<Files["secrets"]> {
  // `files` of a secret with another source is reported elsewhere.
  const ofFiles = secrets.flatMap(({ name, from, files = {} }, index) =>
    from === "file" ? [{ name, index, files: Object.entries(files) }] : [],
  );
  const found = await forEach(ofFiles, issues, async ({ name, index, files }, own) => {
    const keys = await forEach(files, own, async ([key, file], one): Promise<[string, string][]> => {
      const path = `secrets[${index}].files.${key}`;
      const bytes = await read({ path, file }, "file", one);
      return bytes === undefined ? [] : [[key, bytes.toString("base64")]];
    });
    return [name, Object.fromEntries(keys.flat())] as const;
  });
  return Object.fromEntries(found);
}

async function readAuthority(
  { certificateAuthorityFile: file }: Settings["trustee"],
  issues: Issues,
): Promise<string | undefined> {
  if (file === undefined) return undefined;
  const path = "trustee.certificateAuthorityFile";
  const text = await read({ path, file }, "PEM file", issues);
  return text && onlyCertificates(text.toString("utf8"), { path, where: `"${file}", which` }, issues);
}

/** @param issues collects every file that cannot be read or that no guest would accept */
export async function readFiles(
  settings: Pick<Settings, "pods" | "readers" | "secrets" | "trustee">,
  issues: Issues,
): Promise<Files> {
  return {
    authority: await readAuthority(settings.trustee, issues),
    initdata: await readInitdata(settings, issues),
    secrets: await readSecrets(settings.secrets, issues),
  };
}
