import { given, type Issues } from "./issues.ts";

/** One key of one secret in one repository. */
export interface Resource {
  readonly repository: string;
  readonly secret: string;
  readonly key: string;
}

/** The repository for Kubernetes Secrets, and the only one that grants apply to. */
export const DEFAULT_REPOSITORY = "default";

/** A naming rule, and its description in words. */
interface NameRule {
  readonly pattern: RegExp;
  readonly maxLength: number;
  readonly allowed: string;
}

/**
 * DNS-1123 subdomain: names of Secrets and Pods.
 * @see https://kubernetes.io/docs/concepts/overview/working-with-objects/names/
 */
const subdomain: NameRule = {
  pattern: /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/,
  maxLength: 253,
  allowed:
    "lower-case letters, digits, '-' and '.', first and last a letter or digit, 253 characters at most",
};

/** DNS-1123 label: names of namespaces. */
const label: NameRule = {
  pattern: /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/,
  maxLength: 63,
  allowed: "lower-case letters, digits and '-', first and last a letter or digit, 63 characters at most",
};

/**
 * A Secret's key that the KBS can serve. Kubernetes allows `[-._a-zA-Z0-9]+`; the KBS rejects a leading dot.
 * `__proto__` is excluded because it gets lost between Pulumi and its providers.
 * @see
 *   https://github.com/confidential-containers/trustee/blob/main/kbs/src/plugins/implementations/resource/backend.rs
 *   (`ResourceDesc`)
 */
const secretKey: NameRule = {
  pattern: /^(?!__proto__$)[a-zA-Z0-9_-][-._a-zA-Z0-9]*$/,
  maxLength: 253,
  allowed: "letters, digits, '-', '_' and '.', not starting with '.', not __proto__, 253 characters at most",
};

const nameRules = { subdomain, label, secretKey } as const;
type NameKind = keyof typeof nameRules;

/** Whether `name` follows the rule. No quote, space or line break is in it: safe in Rego and JSON. */
export function isName(kind: NameKind, name: string): boolean {
  const rule = nameRules[kind];
  return name.length <= rule.maxLength && rule.pattern.test(name);
}

/** Adds an issue if `name` breaks the rule. */
export function checkName(kind: NameKind, name: string, path: string, issues: Issues): void {
  if (isName(kind, name)) return;
  issues.add({
    code: "TA603",
    path,
    given: given(name),
    allowed: nameRules[kind].allowed,
    fix: "Rename it to follow the rule.",
  });
}

/** Adds an issue for each name that was declared before. */
export function checkUnique(
  names: readonly { readonly name: string; readonly path: string }[],
  what: string,
  issues: Issues,
): void {
  const first = new Map<string, string>();
  for (const { name, path } of names) {
    const before = first.get(name);
    if (before === undefined) first.set(name, path);
    else {
      issues.add({
        code: "TA606",
        path,
        given: given(name),
        allowed: `${what} that is not declared yet`,
        fix: `It is also declared at ${before}. Remove or rename one of the two.`,
      });
    }
  }
}
