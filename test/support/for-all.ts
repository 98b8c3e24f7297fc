import fc from "fast-check";

/** Checks a property for any values of these kinds. The last argument is the check. */
export function forAll<T extends [unknown, ...unknown[]]>(
  ...property: [...kinds: { [K in keyof T]: fc.Arbitrary<T[K]> }, check: (...values: T) => void]
): void {
  fc.assert(fc.property<T>(...property));
}
