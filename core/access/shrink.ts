import type { AccessRequest } from "./requests.ts";

/** Every value with one thing less: a member, an element, or something deeper inside. Strings and numbers stay. */
function simpler(value: unknown): unknown[] {
  if (Array.isArray(value)) {
    const items: readonly unknown[] = value;
    return items.flatMap((item, index) => [
      items.toSpliced(index, 1),
      ...simpler(item).map((less) => items.with(index, less)),
    ]);
  }
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, item]) => [
    Object.fromEntries(Object.entries(value).filter(([other]) => other !== name)),
    ...simpler(item).map((less) => ({ ...value, [name]: less })),
  ]);
}

/** Every request with one thing less than `request`, in `data` or in the token. */
export function simplerRequests({ data, token }: AccessRequest): readonly AccessRequest[] {
  return [
    ...simpler(data).map((less) => ({ data: less as AccessRequest["data"], token })),
    ...simpler(token).map((less) => ({ data, token: less })),
  ];
}

/** How much there is to read in a request: the length of its JSON. */
export function requestSize({ data, token }: AccessRequest): number {
  return JSON.stringify([data, token]).length;
}
