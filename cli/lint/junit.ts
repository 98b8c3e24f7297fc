/** One test case. */
export interface JunitCase {
  /** Its class, for example a pod. */
  readonly group: string;
  readonly name: string;
  /** Seconds. */
  readonly time?: number;
  /** Absent: it passed. `message` in one line, `text` in full. */
  readonly failure?: { readonly message: string; readonly text: string };
  /** Output of a case that passed. */
  readonly output?: string;
}

/** Escapes text for XML. Characters that XML does not allow become U+FFFD. */
function escape(text: string): string {
  return text
    .toWellFormed()
    .replace(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, "\uFFFD")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("\n", "&#10;");
}

function attributes(values: Readonly<Record<string, string | number | undefined>>): string {
  return Object.entries(values)
    .flatMap(([name, value]) => (value === undefined ? [] : [` ${name}="${escape(String(value))}"`]))
    .join("");
}

function element(name: string, text: string, rest = ""): string {
  return `      <${name}${rest}>${escape(text).replaceAll("&#10;", "\n")}</${name}>`;
}

function caseXml({ group, name, time, failure, output }: JunitCase): string {
  const head = `    <testcase${attributes({ classname: group, name, time: time?.toFixed(3) })}`;
  if (failure === undefined && output === undefined) return `${head}/>`;
  const inside = [];
  if (failure !== undefined)
    inside.push(element("failure", failure.text, attributes({ message: failure.message })));
  if (output !== undefined) inside.push(element("system-out", output));
  return [`${head}>`, ...inside, "    </testcase>"].join("\n");
}

/** A JUnit report. @param suite its name */
export function junit(suite: string, cases: readonly JunitCase[]): string {
  const failures = cases.filter(({ failure }) => failure !== undefined).length;
  const counts = attributes({ name: suite, tests: cases.length, failures });
  return `<?xml version="1.0" encoding="UTF-8"?>
<testsuites${counts}>
  <testsuite${counts}>
${cases.map(caseXml).join("\n")}
  </testsuite>
</testsuites>
`;
}
