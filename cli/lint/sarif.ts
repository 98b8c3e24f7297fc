import { sha256Hex } from "../../core/digest.ts";
import { placeText, rules, type Finding, type Place, type RuleId } from "./finding.ts";

const ids = Object.keys(rules) as RuleId[];

/** A place as a path, since code scanning names places by files. No such file exists. */
function uriOf({ kind, namespace, name, part }: Place): string {
  return [namespace, kind, name, ...(part === undefined ? [] : [part])].map(encodeURIComponent).join("/");
}

/**
 * Identifies a finding across runs, by:
 * - its rule, and its place without the line;
 * - `about`, else every name and digest that it quotes. Other words, such as a number of days, may change.
 */
function fingerprint({ id, where, about, what }: Finding): string {
  const named = about ?? what.match(/"[^"]*"|[0-9a-f]{64,}/g) ?? [];
  const { line: _, ...place } = where;
  return sha256Hex([id, placeText(place), ...named].join("\n"));
}

/** Each finding with its fingerprint. Equal ones are numbered. */
function fingerprinted(
  findings: readonly Finding[],
): readonly { readonly finding: Finding; readonly print: string }[] {
  const seen = new Map<string, number>();
  return findings.map((finding) => {
    const print = fingerprint(finding);
    const before = seen.get(print) ?? 0;
    seen.set(print, before + 1);
    return { finding, print: before === 0 ? print : sha256Hex(`${print}\n${before}`) };
  });
}

/** Escapes what SARIF would render as a link: `[text](target)`. */
function plain(text: string): string {
  return text.replace(/[[\]\\]/g, String.raw`\$&`);
}

/**
 * The findings as SARIF 2.1.0, which GitHub's code scanning and GitLab read.
 * @param version of this program
 * @see https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
 */
export function sarif(findings: readonly Finding[], version: string): unknown {
  return {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [
      {
        tool: {
          driver: {
            name: "trustee-access",
            version,
            rules: ids.map((id) => ({ id, shortDescription: { text: rules[id] } })),
          },
        },
        results: fingerprinted(findings).map(({ finding, print }) => ({
          ruleId: finding.id,
          ruleIndex: ids.indexOf(finding.id),
          level: finding.severity,
          message: { text: plain(`${finding.what} ${finding.why} To fix: ${finding.fix}`) },
          locations: [
            {
              physicalLocation: {
                artifactLocation: { uri: uriOf(finding.where) },
                region: { startLine: finding.where.line ?? 1 },
              },
              logicalLocations: [{ fullyQualifiedName: placeText(finding.where), kind: "resource" }],
            },
          ],
          partialFingerprints: { "trusteeAccess/v1": print },
        })),
      },
    ],
  };
}
