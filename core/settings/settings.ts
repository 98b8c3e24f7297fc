import { z } from "zod";
import { given, type Issue, type Issues } from "../issues.ts";
import { allowedBy, memberNames } from "./allowed.ts";
import { checkSettings } from "./check.ts";
import { checkAnnotations, checkClaims } from "./check-pods.ts";
import { unreadOf } from "./unread.ts";
import { declarePod } from "./pod.ts";
import { sections, type SectionName, type Sections, type Settings } from "./schema.ts";
import { SECRET_VALUES, type SecretValueNames } from "./secret-values.ts";

/** Raw settings: name without its namespace -> parsed JSON; `undefined` if not set. */
export type RawSettings = Readonly<Record<string, unknown>>;

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

/** A name that no object holds safely: it and its value get lost on the way to the provider. */
const LOST = "__proto__";

function checkMembers(value: unknown, path: string, issues: Issues): void {
  if (typeof value !== "object" || value === null) return;
  for (const [name, member] of Object.entries(value)) {
    const part = Array.isArray(value) ? `[${name}]` : path === "" ? name : `.${name}`;
    if (name === LOST) {
      issues.add({
        code: "TA603",
        path: `${path}${part}`,
        given: `the name ${LOST}`,
        allowed: "any other valid name",
        fix: "Rename it.",
      });
    } else checkMembers(member, `${path}${part}`, issues);
  }
}

function shapeIssue(name: SectionName, value: unknown, issue: z.core.$ZodIssue): Issue {
  const path = pathOf(name, issue.path);
  if (issue.code === "unrecognized_keys") {
    return {
      code: "TA601",
      path,
      given: `the unknown setting ${issue.keys.map(given).join(", ")}`,
      allowed: memberNames(sections[name], issue.path).join(", "),
      fix: "Remove it, or correct its spelling.",
    };
  }
  const isKey = issue.code === "invalid_key";
  const hidden: unknown = issue.code === "custom" ? issue.params?.["given"] : undefined;
  const found = valueAt(value, issue.path);
  const shown = isKey ? `the name ${given(issue.path.at(-1))}` : given(found);
  return {
    code: isKey ? "TA603" : found === undefined ? "TA609" : "TA602",
    path,
    // A value that must not be shown has a description in its schema.
    given: typeof hidden === "string" ? hidden : shown,
    allowed: allowedBy(issue),
    fix: isKey ? "Rename it." : "Correct it in the stack's configuration.",
  };
}

/** Parses one section. Problems become issues, and the section then counts as empty. */
function parseSection(
  name: SectionName,
  raw: RawSettings,
  issues: Issues,
): { readonly value: unknown; readonly ok: boolean } {
  const result = z.safeParse(sections[name], raw[name]);
  if (result.success) return { value: result.data, ok: true };
  for (const issue of result.error.issues) issues.add(shapeIssue(name, raw[name], issue));
  return { value: z.parse(sections[name], undefined), ok: false };
}

/**
 * Checks everything that a stack declares, before any cluster access.
 * @param known problems found earlier, reported together with the others
 * @returns the settings. If there are issues, use them only to find more: sections that failed to parse are
 *   empty.
 */
export function readSettings(
  raw: RawSettings,
  secretValues: SecretValueNames,
  known: readonly Issue[],
  issues: Issues,
): Settings {
  for (const name of Object.keys(raw)) {
    if (name === SECRET_VALUES || Object.hasOwn(sections, name)) continue;
    issues.add({
      code: "TA601",
      path: name,
      given: "an unknown setting",
      allowed: [...Object.keys(sections), SECRET_VALUES].join(", "),
      fix: "Remove it, or correct its spelling.",
    });
  }
  checkMembers(raw, "", issues);
  const names = Object.keys(sections) as SectionName[];
  const results = names.map((name) => [name, parseSection(name, raw, issues)] as const);
  const parsed = Object.fromEntries(results.map(([name, { value }]) => [name, value])) as unknown as Sections;
  const refused = new Set(known.map(({ path }) => path));
  const failed = new Set(results.filter(([name, { ok }]) => !ok || refused.has(name)).map(([name]) => name));
  const pods = parsed.pods.map((pod) => declarePod(pod, parsed.podDefaults));
  checkClaims(parsed.podDefaults.claims, "podDefaults.claims", issues);
  checkAnnotations(parsed.podDefaults.annotations, "podDefaults.annotations", issues);
  parsed.pods.forEach(({ claims, annotations }, index) => {
    checkClaims(claims, `pods[${index}].claims`, issues);
    checkAnnotations(annotations, `pods[${index}].annotations`, issues);
  });
  const unread = unreadOf(failed, pods, parsed.pods, { values: secretValues, known });
  checkSettings({ ...parsed, pods }, secretValues, unread, issues);
  issues.addAll(known);
  const { podDefaults: _, ...settings } = parsed;
  return { ...settings, pods };
}
