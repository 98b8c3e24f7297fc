import { z } from "zod";
import { given, Issues } from "../issues.ts";
import { checkSettings } from "./check.ts";
import { checkClaims } from "./check-pods.ts";
import { declarePod, type PodDeclaration } from "./pod.ts";
import { sections, type SectionName, type Sections } from "./schema.ts";

/** Settings as they come: a name without its namespace -> parsed JSON, `undefined` where it is not set. */
export type RawSettings = Readonly<Record<string, unknown>>;

/** Everything that one stack declares, checked and with every default filled in. */
export interface Settings {
  readonly trustee: Sections["trustee"];
  readonly podCluster: Sections["podCluster"];
  readonly secrets: Sections["secrets"];
  readonly pods: readonly PodDeclaration[];
  readonly readers: Sections["readers"];
  readonly grants: Sections["grants"];
  readonly otherSecrets: Sections["otherSecrets"];
  readonly referenceValues: Sections["referenceValues"];
  readonly rotation: Sections["rotation"];
}

/** The setting whose values are secrets: read by its own way, and only its names are known here. */
export const SECRET_VALUES = "secretValues";

/** Secret -> the keys that `secretValues` holds for it. Names only, never a value. */
export type SecretValueNames = Readonly<Record<string, readonly string[]>>;

function pathOf(section: string, path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (text, part) => (typeof part === "number" ? `${text}[${part}]` : `${text}.${String(part)}`),
    section,
  );
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (at, part) => (at as Readonly<Record<PropertyKey, unknown>> | undefined)?.[part],
    value,
  );
}

/** A name that no object can hold safely: it is lost on the way to the provider, and with it what was declared under it. */
const LOST = "__proto__";

function checkMembers(value: unknown, path: string, issues: Issues): void {
  if (typeof value !== "object" || value === null) return;
  for (const [name, member] of Object.entries(value)) {
    const part = Array.isArray(value) ? `[${name}]` : path === "" ? name : `.${name}`;
    if (name === LOST) {
      issues.add({
        path: `${path}${part}`,
        given: `the name ${LOST}`,
        allowed: "any other name that keeps the rules",
        mend: "Rename it.",
      });
    } else checkMembers(member, `${path}${part}`, issues);
  }
}

/** Parses one section; what does not fit becomes issues and the section counts as empty. */
function parseSection(
  name: SectionName,
  raw: RawSettings,
  issues: Issues,
): { readonly value: unknown; readonly ok: boolean } {
  const result = z.safeParse(sections[name], raw[name]);
  if (result.success) return { value: result.data, ok: true };
  for (const issue of result.error.issues) {
    const unknownKeys = issue.code === "unrecognized_keys" ? issue.keys : [];
    issues.add({
      path: pathOf(name, issue.path),
      given:
        unknownKeys.length > 0
          ? `the unknown setting ${unknownKeys.map(given).join(", ")}`
          : given(valueAt(raw[name], issue.path)),
      allowed:
        unknownKeys.length > 0
          ? "the settings that the README lists"
          : issue.message.replace(/^Invalid (option|input): expected /, ""),
      mend:
        unknownKeys.length > 0
          ? "Remove it, or correct its spelling."
          : "Correct it in the stack's configuration.",
    });
  }
  return { value: z.parse(sections[name], undefined), ok: false };
}

/**
 * Checks everything that a stack declares, before anything is read from a cluster or written to it.
 * @throws IssuesError with all problems at once
 */
export function parseSettings(raw: RawSettings, secretValues: SecretValueNames, subject: string): Settings {
  const issues = new Issues();
  for (const name of Object.keys(raw)) {
    if (name === SECRET_VALUES || Object.hasOwn(sections, name)) continue;
    issues.add({
      path: name,
      given: "an unknown setting",
      allowed: [...Object.keys(sections), SECRET_VALUES].join(", "),
      mend: "Remove it, or correct its spelling.",
    });
  }
  checkMembers(raw, "", issues);
  const names = Object.keys(sections) as SectionName[];
  const results = names.map((name) => [name, parseSection(name, raw, issues)] as const);
  const parsed = Object.fromEntries(results.map(([name, { value }]) => [name, value])) as unknown as Sections;
  const failed = new Set(results.filter(([, { ok }]) => !ok).map(([name]) => name));
  const pods = parsed.pods.map((pod) => declarePod(pod, parsed.podDefaults));
  checkClaims(parsed.podDefaults.claims, "podDefaults.claims", issues);
  parsed.pods.forEach(({ claims }, index) => {
    checkClaims(claims, `pods[${index}].claims`, issues);
  });
  checkSettings({ ...parsed, pods }, secretValues, failed, issues);
  issues.throwIfAny(subject);
  const { podDefaults: _, ...settings } = parsed;
  return { ...settings, pods };
}
