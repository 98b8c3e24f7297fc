import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";

/** Name -> text, for example a command and its output. */
export type Texts = Readonly<Record<string, string>>;

/**
 * A secret value whose {@link spellings} all differ: it has characters that JSON and URLs escape, and
 * characters that the two base64 alphabets encode differently.
 */
export function plantedValue(name: string): string {
  return `planted-${name} "quoted" \\ ~~~???>>> äöü\nand a second line`;
}

/** Base64 of a text inside a longer text, without the characters that depend on the text around it. */
function base64Within(text: string): readonly string[] {
  return [0, 1, 2].map((before) => {
    const encoded = Buffer.concat([Buffer.alloc(before), Buffer.from(text)]).toString("base64");
    const first = Math.ceil((before * 8) / 6);
    const last = Math.floor(((before + Buffer.byteLength(text)) * 8) / 6);
    return encoded.slice(first, last);
  });
}

/**
 * The forms of a secret in a text: plain, or JSON-escaped once or twice, each also in base64; and
 * URL-escaped or hexadecimal.
 */
function spellings(secret: string): readonly string[] {
  const escaped = (text: string): string => JSON.stringify(text).slice(1, -1);
  const plain = [secret, escaped(secret), escaped(escaped(secret))];
  const base64 = plain.flatMap(base64Within);
  const url = base64.map((text) => text.replaceAll("+", "-").replaceAll("/", "_"));
  const hex = Buffer.from(secret).toString("hex");
  const all = [...plain, encodeURIComponent(secret), ...base64, ...url, hex];
  return [...new Set(all)];
}

/** The decompressed parts of a text: base64 of gzip, as initdata is in its annotation. */
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

/** The names of the texts that contain a secret in any of its {@link spellings}, compressed or not. */
export function leaks(secret: string, texts: Texts): readonly string[] {
  const forms = spellings(secret);
  const holds = (text: string): boolean => forms.some((each) => text.includes(each));
  return Object.entries(texts)
    .filter(([, text]) => holds(text) || inflated(text).some(holds))
    .map(([name]) => name);
}

/**
 * Every file in a folder: path -> content. Does not follow symbolic links, unlike Node's recursive option.
 */
export function filesIn(folder: string): Texts {
  const within = (path: string): [string, string][] =>
    readdirSync(path, { withFileTypes: true }).flatMap((entry) => {
      const file = join(path, entry.name);
      if (entry.isDirectory()) return within(file);
      return entry.isFile() ? [[relative(folder, file), readFileSync(file, "utf8")]] : [];
    });
  return Object.fromEntries(within(folder));
}

/** Every file of pulumi's backend (states, history, backups): path -> content. */
export function backendFiles(env: Readonly<Record<string, string>>): Texts {
  return filesIn(fileURLToPath(env["PULUMI_BACKEND_URL"] ?? ""));
}

const EXCHANGE =
  /"msg":"(eventSink::Debug\(<\{%reset%\}>)?((Unm|M)arshaling property for RPC|RegisterResource RPC finished)/;

/**
 * Pulumi's log without the property values that engine, SDK and plugins exchange. From -v=5 on Pulumi logs
 * them in plain text, secret ones too; no program or provider can prevent it.
 */
export function withoutExchanges(log: string): string {
  return log
    .split("\n")
    .filter((line) => !EXCHANGE.test(line))
    .join("\n");
}
