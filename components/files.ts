import { readFile } from "node:fs/promises";
import { Issues } from "../core/issues.ts";
import type { Settings } from "../core/settings/settings.ts";

/** What the settings say is in files; paths are meant from the folder of the project. */
export interface Files {
  /** Path -> the initdata document in it. */
  readonly initdata: Readonly<Record<string, string>>;
  /** Secret -> key -> base64 of the file's bytes. */
  readonly secrets: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

interface Wanted {
  readonly path: string;
  readonly file: string;
  readonly allowed: string;
  readonly mend: string;
}

async function read(wanted: Wanted, issues: Issues): Promise<Buffer | undefined> {
  try {
    return await readFile(wanted.file);
  } catch {
    issues.add({
      path: wanted.path,
      given: `"${wanted.file}", which cannot be read`,
      allowed: wanted.allowed,
      mend: wanted.mend,
    });
    return undefined;
  }
}

async function readInitdata(
  { pods, readers }: Pick<Settings, "pods" | "readers">,
  issues: Issues,
): Promise<Files["initdata"]> {
  const named = [
    ...pods.map(({ initdataFile }, index) => ({ initdataFile, path: `pods[${index}].initdataFile` })),
    ...readers.map(({ initdataFile }, index) => ({ initdataFile, path: `readers[${index}].initdataFile` })),
  ];
  const entries = named.map(async ({ initdataFile: file, path }): Promise<[string, string][]> => {
    if (file === undefined) return [];
    const mend = "Correct the path, or remove the setting to have the initdata generated.";
    const bytes = await read(
      { path, file, allowed: "the path of a TOML file, from the project's folder", mend },
      issues,
    );
    if (bytes === undefined) return [];
    // What is measured is bytes: a text that UTF-8 cannot give back would be another document.
    const text = bytes.toString("utf8");
    if (Buffer.from(text, "utf8").equals(bytes)) return [[file, text]];
    issues.add({
      path,
      given: `"${file}", which is not UTF-8`,
      allowed: "a TOML file, which is UTF-8",
      mend: "Correct the file.",
    });
    return [];
  });
  return Object.fromEntries((await Promise.all(entries)).flat());
}

async function readSecrets(secrets: Settings["secrets"], issues: Issues): Promise<Files["secrets"]> {
  const found = secrets.map(
    async ({ name, files = {} }, index): Promise<[string, Record<string, string>]> => {
      const keys = Object.entries(files).map(async ([key, file]): Promise<[string, string][]> => {
        const bytes = await read(
          {
            path: `secrets[${index}].files.${key}`,
            file,
            allowed: "the path of a file, from the project's folder",
            mend: "Correct the path.",
          },
          issues,
        );
        return bytes === undefined ? [] : [[key, bytes.toString("base64")]];
      });
      return [name, Object.fromEntries((await Promise.all(keys)).flat())];
    },
  );
  return Object.fromEntries(await Promise.all(found));
}

/** @throws IssuesError naming every file that cannot be read */
export async function readFiles(
  settings: Pick<Settings, "pods" | "readers" | "secrets">,
  subject: string,
): Promise<Files> {
  const issues = new Issues();
  const [initdata, secrets] = await Promise.all([
    readInitdata(settings, issues),
    readSecrets(settings.secrets, issues),
  ]);
  issues.throwIfAny(subject);
  return { initdata, secrets };
}
