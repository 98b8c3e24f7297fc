import { given, type Issues } from "../issues.ts";

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
