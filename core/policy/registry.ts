import { canonicalGrants, otherSecretsModes, type GrantTable, type StackGrants } from "./grants.ts";

/** What a ConfigMap's key held before this project first wrote it; `null`: the key was not there. */
export type Before = string | null;

/** Whose policy a text is: what each stack has put in, and what was there before the first of them. */
export interface Registry {
  readonly stacks: readonly StackGrants[];
  readonly before: Before;
}

/** What can be read of a registry in a text that people may have edited. */
export interface FoundRegistry {
  /** Those whose lines are sound. */
  readonly stacks: readonly StackGrants[];
  /** Absent if its line is missing or damaged. */
  readonly before?: Before;
}

const MARK = "# trustee-access: stack ";
const MARK_BEFORE = "# trustee-access: before ";

/**
 * The registry as comment lines of the policy, one JSON document a line: one per stack, and one with the text that was
 * there before. The policy alone so tells every stack what the others put in, whatever happens to a stack's state.
 */
export function renderRegistry(registry: Registry): string {
  const stacks = [...registry.stacks].sort((a, b) => (a.stack < b.stack ? -1 : 1));
  return `# This policy is generated: each stack's grants stand in a line of their own and are merged below. Change them with
# the stack; a change by hand shows as drift in the next preview.
${stacks.map((stack) => `${MARK}${JSON.stringify(canonicalGrants(stack))}`).join("\n")}
${MARK_BEFORE}${JSON.stringify(registry.before)}
`;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isGrantTable(value: unknown): value is GrantTable {
  return (
    isRecord(value) &&
    Object.values(value).every(
      (keys) =>
        isRecord(keys) &&
        Object.values(keys).every(
          (readers) => isRecord(readers) && Object.values(readers).every((name) => typeof name === "string"),
        ),
    )
  );
}

function isStackGrants(value: unknown): value is StackGrants {
  return (
    isRecord(value) &&
    typeof value["stack"] === "string" &&
    (value["owner"] === undefined || typeof value["owner"] === "string") &&
    otherSecretsModes.some((mode) => mode === value["others"]) &&
    isGrantTable(value["secrets"]) &&
    (value["retiring"] === undefined || isGrantTable(value["retiring"]))
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * The registry in a policy text, as far as it is sound: a line that was damaged by hand does not take the other stacks'
 * grants with it. `undefined` if the text has no line of a registry: then it is somebody else's.
 */
export function parseRegistry(text: string): FoundRegistry | undefined {
  const lines = text.split("\n");
  const marked = lines
    .filter((line) => line.startsWith(MARK))
    .map((line) => parseJson(line.slice(MARK.length)));
  const before = lines
    .filter((line) => line.startsWith(MARK_BEFORE))
    .map((line) => parseJson(line.slice(MARK_BEFORE.length)));
  if (marked.length === 0 && before.length === 0) return undefined;
  const stacks = [...new Map(marked.filter(isStackGrants).map((stack) => [stack.stack, stack])).values()];
  const [original] = before;
  const sound = before.length === 1 && (typeof original === "string" || original === null);
  return sound ? { stacks, before: original } : { stacks };
}
