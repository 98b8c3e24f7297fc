import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";

/** Texts by what they are, e.g. the command that printed them. */
export type Texts = Readonly<Record<string, string>>;

/**
 * A value to plant, such that each of its spellings differs from the others: it has what JSON and URLs escape, and characters that the two
 * alphabets of base64 write differently.
 */
export function plantedValue(name: string): string {
  return `planted-${name} "quoted" \\ ~~~???>>> äöü\nand a second line`;
}

/** Base64 of a text, as it is within the base64 of any longer text: without the characters that its neighbours decide. */
function base64Within(text: string): readonly string[] {
  return [0, 1, 2].map((before) => {
    const encoded = Buffer.concat([Buffer.alloc(before), Buffer.from(text)]).toString("base64");
    const first = Math.ceil((before * 8) / 6);
    const last = Math.floor(((before + Buffer.byteLength(text)) * 8) / 6);
    return encoded.slice(first, last);
  });
}

/** How a text may show: as it is, in base64 and hexadecimal, and as JSON, once and twice, has any of these. */
function spellings(secret: string): readonly string[] {
  const escaped = (text: string): string => JSON.stringify(text).slice(1, -1);
  const plain = [secret, escaped(secret), escaped(escaped(secret))];
  const base64 = plain.flatMap(base64Within);
  const url = base64.map((text) => text.replaceAll("+", "-").replaceAll("/", "_"));
  const hex = Buffer.from(secret).toString("hex");
  const all = [...plain, encodeURIComponent(secret), ...base64, ...url, hex];
  return [...new Set(all)];
}

/** What is compressed in a text, as initdata is in its annotation: base64 of gzip. */
function inflated(text: string): readonly string[] {
  const found = text.match(/H4sI[A-Za-z0-9+/_=-]+/g) ?? [];
  return found.flatMap((one) => {
    try {
      return [gunzipSync(Buffer.from(one, "base64url")).toString("utf8")];
    } catch {
      return [];
    }
  });
}

/** Which of these texts hold a secret, in any of its {@link spellings}, compressed or not. */
export function leaks(secret: string, texts: Texts): readonly string[] {
  const looked = spellings(secret);
  const holds = (text: string): boolean => looked.some((each) => text.includes(each));
  return Object.entries(texts)
    .filter(([, text]) => holds(text) || inflated(text).some(holds))
    .map(([name]) => name);
}

/** Every file in a folder: path -> content. What a symbolic link leads to is not in it, which node's own recursion would follow. */
export function filesIn(folder: string): Texts {
  const within = (path: string): [string, string][] =>
    readdirSync(path, { withFileTypes: true }).flatMap((entry) => {
      const file = join(path, entry.name);
      if (entry.isDirectory()) return within(file);
      return entry.isFile() ? [[relative(folder, file), readFileSync(file, "utf8")]] : [];
    });
  return Object.fromEntries(within(folder));
}

/** Every file of the backend in which pulumi keeps its states, their history and their backups: path -> content. */
export function backendFiles(env: Readonly<Record<string, string>>): Texts {
  return filesIn(fileURLToPath(env["PULUMI_BACKEND_URL"] ?? ""));
}

const EXCHANGE =
  /"msg":"(eventSink::Debug\(<\{%reset%\}>)?((Unm|M)arshaling property for RPC|RegisterResource RPC finished)/;

/**
 * Pulumi's log without the values that its engine and its SDK exchange with each other and with plugins. They write them as
 * they are, secret ones too, from -v=5 on: nothing that a program or a provider does keeps them out.
 */
export function withoutExchanges(log: string): string {
  return log
    .split("\n")
    .filter((line) => !EXCHANGE.test(line))
    .join("\n");
}
