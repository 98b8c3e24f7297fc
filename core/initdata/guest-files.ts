import { isRecord, own } from "../records.ts";
import { shownLine } from "../shown.ts";
import { guestNeeds, type GuestNeed } from "./guest-needs.ts";
import { readToml, type Table } from "./toml-parts.ts";

/** A KBS, as one of the guest's files names it. */
export interface InitdataEndpoint {
  /** `cdh.toml`: the KBS for secrets. `aa.toml`: the KBS for tokens. */
  readonly file: GuestFile;
  /** All files with the same URL and certificate, including `file`. */
  readonly files: readonly GuestFile[];
  readonly url: string;
  /** The certificate that the guest trusts, PEM. Absent: its own trust store. */
  readonly certificate?: string;
}

type GuestFile = "cdh.toml" | "aa.toml";

/** The readable settings of a guest's programs in an initdata document. */
export interface GuestFiles {
  /** The KBS for the guest; one element if its files agree. */
  readonly endpoints: readonly InitdataEndpoint[];
  /** What the guest fetches from the KBS to start. */
  readonly needs: readonly GuestNeed[];
  readonly flaws: readonly GuestFileFlaw[];
}

/** Something that keeps the guest's programs from every KBS. */
interface GuestFileFlaw {
  /** A sentence that begins with "its" or "there is" and includes the fix. */
  readonly words: string;
  /** `false`: the guest's image may supply what is missing. */
  readonly sure: boolean;
}

/** The string at a path of nested tables. */
export function textAt(table: Table, ...path: readonly string[]): string | undefined {
  const value = path.reduce<unknown>((at, name) => (isRecord(at) ? own(at, name) : undefined), table);
  return typeof value === "string" ? value : undefined;
}

function endpointsOf(hub: Table, agent: Table): readonly InitdataEndpoint[] {
  const named = [
    { file: "cdh.toml", url: textAt(hub, "kbc", "url"), certificate: textAt(hub, "kbc", "kbs_cert") },
    {
      file: "aa.toml",
      url: textAt(agent, "token_configs", "kbs", "url"),
      certificate: textAt(agent, "token_configs", "kbs", "cert"),
    },
  ] as const;
  const found = named.flatMap(({ file, url, certificate }): readonly Omit<InitdataEndpoint, "files">[] =>
    url === undefined ? [] : [{ file, url, ...(certificate === undefined ? {} : { certificate }) }],
  );
  const alike = Map.groupBy(found, ({ url, certificate = "" }) => JSON.stringify([url, certificate.trim()]));
  return [...alike.values()].flatMap(([first, ...more]) =>
    first === undefined ? [] : [{ ...first, files: [first, ...more].map(({ file }) => file) }],
  );
}

/** The tables of each file, to recognize a table in the wrong file. */
const tablesOf: Readonly<Record<GuestFile, readonly string[]>> = {
  "cdh.toml": ["kbc", "image", "credentials"],
  "aa.toml": ["token_configs"],
};
const files = Object.keys(tablesOf) as GuestFile[];

/** Tables of one file that are in another file, or in none. */
function misplaced(document: Table, read: Readonly<Record<GuestFile, Table>>): readonly GuestFileFlaw[] {
  return files.flatMap((file) =>
    tablesOf[file].flatMap((table) => {
      const elsewhere = files.filter((other) => other !== file && own(read[other], table) !== undefined);
      const places = [
        ...(own(document, table) === undefined ? [] : [`outside its ${file}`]),
        ...elsewhere.map((other) => `in its ${other}`),
      ];
      return places.map((place) => ({
        words: `its [${table}] is ${place}, where the guest does not read it. Move it into its ${file}.`,
        sure: true,
      }));
    }),
  );
}

const programs: Readonly<Record<GuestFile, string>> = {
  "cdh.toml": "Confidential Data Hub",
  "aa.toml": "attestation agent",
};

/** Why a file does not lead its program to a KBS. */
function pathFlaw(file: GuestFile, table: Table): string | undefined {
  if (file === "cdh.toml") {
    if (textAt(table, "kbc", "name") === "offline_fs_kbc" || textAt(table, "kbc", "url") !== undefined)
      return undefined;
    return "its cdh.toml names no KBS (kbc.url): the pod gets no secret. Add [kbc] with name and url.";
  }
  const tokens = own(table, "token_configs");
  if (textAt(table, "token_configs", "kbs", "url") !== undefined) return undefined;
  const instead =
    isRecord(tokens) && own(tokens, "coco_as") !== undefined ? "only [token_configs.coco_as], and " : "";
  return `its aa.toml has ${instead}no KBS (token_configs.kbs.url): the pod gets no secret. Add [token_configs.kbs] with its url.`;
}

/** Reads the guest's files in the document's `data`. */
export function readGuestFiles(document: Table): GuestFiles {
  const data = own(document, "data");
  const texts = Object.fromEntries(
    files.map((file) => [file, isRecord(data) ? textAt(data, file) : undefined]),
  ) as Readonly<Record<GuestFile, string | undefined>>;
  const read = Object.fromEntries(files.map((file) => [file, readToml(texts[file] ?? "")])) as Readonly<
    Record<GuestFile, ReturnType<typeof readToml>>
  >;
  const tables = { "cdh.toml": read["cdh.toml"].table, "aa.toml": read["aa.toml"].table };
  const flaws = files.flatMap((file): readonly GuestFileFlaw[] => {
    const { table, problem } = read[file];
    const [program, lost] = [programs[file], "the pod gets no secret"];
    if (texts[file] === undefined) {
      const words = `there is no ${file} in it, so unless the guest's image names a KBS, its ${program} has none: ${lost}.`;
      return [{ words, sure: false }];
    }
    if (problem !== undefined) {
      const words = `its ${file} is not TOML (${shownLine(problem)}), so the guest's ${program} does not start: ${lost}. Correct it.`;
      return [{ words, sure: true }];
    }
    const words = pathFlaw(file, table);
    return words === undefined ? [] : [{ words, sure: true }];
  });
  return {
    endpoints: endpointsOf(tables["cdh.toml"], tables["aa.toml"]),
    needs: guestNeeds(tables["cdh.toml"]),
    flaws: [...flaws, ...misplaced(document, tables)],
  };
}
