import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";

/** Texts by what they are, e.g. the command that printed them. */
export type Texts = Readonly<Record<string, string>>;

/** Which of these texts hold a secret, as it is or in base64. */
export function leaks(secret: string, texts: Texts): readonly string[] {
  const spellings = [secret, Buffer.from(secret).toString("base64")];
  const found = Object.entries(texts).filter(([, text]) => spellings.some((each) => text.includes(each)));
  return found.map(([name]) => name);
}

/** Every file of the backend in which pulumi keeps its states, their history and their backups: path -> content. */
export function backendFiles(env: Readonly<Record<string, string>>): Texts {
  const folder = (env["PULUMI_BACKEND_URL"] ?? "").replace(/^file:\/\//, "");
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  return Object.fromEntries(
    files.map(({ parentPath, name }) => {
      const file = join(parentPath, name);
      return [relative(folder, file), readFileSync(file, "utf8")];
    }),
  );
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
