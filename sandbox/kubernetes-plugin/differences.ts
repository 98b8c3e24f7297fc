import {
  changes,
  detailedDiff,
  formatPath,
  isArray,
  isMap,
  reveal,
  type Change,
  type DetailedDiff,
  type PathSegment,
  type PropertyMap,
  type PropertyValue,
} from "../../protocol/index.ts";
import { replaces, type Mutability } from "./replacement.ts";

/**
 * The part of a live object that inputs declare. Fields that only the cluster sets, and elements of lists beyond the
 * declared ones, are nobody's business.
 */
export function prune(live: PropertyMap, shape: PropertyMap): PropertyMap;
export function prune(live: PropertyValue, shape: PropertyValue): PropertyValue;
export function prune(live: PropertyValue, shape: PropertyValue): PropertyValue {
  const [value, wanted] = [reveal(live), reveal(shape)];
  if (isMap(value) && isMap(wanted)) {
    const keys = Object.keys(value).filter((key) => Object.hasOwn(wanted, key));
    return Object.fromEntries(keys.map((key) => [key, prune(value[key] ?? null, wanted[key] ?? null)]));
  }
  if (isArray(value) && isArray(wanted)) {
    return value.slice(0, wanted.length).map((element, index) => prune(element, wanted[index] ?? null));
  }
  return value;
}

/** At a path in a value; undefined if there is nothing. */
function valueAt(value: PropertyValue | undefined, path: readonly PathSegment[]): PropertyValue | undefined {
  return path.reduce<PropertyValue | undefined>((current, segment) => {
    const plain = current === undefined ? undefined : reveal(current);
    if (typeof segment === "number") return isArray(plain) ? plain[segment] : undefined;
    return isMap(plain) && Object.hasOwn(plain, segment) ? plain[segment] : undefined;
  }, value);
}

/** The API server drops empty lists and maps, or fills them in: declaring one where there is none changes nothing. */
function isEmpty(value: PropertyValue | undefined): boolean {
  if (isArray(value)) return value.length === 0;
  return isMap(value) && Object.keys(value).length === 0;
}

const suffixes: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** Kubernetes' resource.Quantity as a number; undefined if it is none. */
function quantity(value: PropertyValue | undefined): number | undefined {
  if (typeof value === "number") return value;
  const [, digits, suffix = ""] =
    typeof value === "string" ? (/^([+-]?[0-9.]+)([A-Za-z]*)$/.exec(value) ?? []) : [];
  const factor = suffixes[suffix];
  return digits === undefined || factor === undefined ? undefined : Number(digits) * factor;
}

/** The API server writes quantities its own way: 0.5 becomes 500m. */
function isSameQuantity(
  path: readonly PathSegment[],
  old: PropertyValue | undefined,
  next: PropertyValue,
): boolean {
  if (!path.some((segment) => segment === "limits" || segment === "requests")) return false;
  const [left, right] = [quantity(old), quantity(next)];
  return left !== undefined && right !== undefined && Math.abs(left - right) <= 1e-9 * Math.abs(left);
}

export interface Comparison {
  readonly live: PropertyMap;
  readonly oldInputs: PropertyMap;
  readonly newInputs: PropertyMap;
  readonly ignoreChanges: readonly string[];
  readonly mutability: Mutability;
}

/** What the new inputs change about the live object, as far as the old or the new inputs declare it. */
export function compare(comparison: Comparison): DetailedDiff {
  const { live, newInputs, oldInputs, ignoreChanges, mutability } = comparison;
  const declared = prune(live, oldInputs);
  const matters = ({ path, kind }: Change): boolean => {
    const next = reveal(valueAt(newInputs, path) ?? null);
    if (kind === "add" && isEmpty(next)) return false;
    if (kind === "update" && isSameQuantity(path, valueAt(declared, path), next)) return false;
    const text = formatPath(path);
    return !ignoreChanges.some(
      (ignored) => text === ignored || text.startsWith(`${ignored}.`) || text.startsWith(`${ignored}[`),
    );
  };
  return detailedDiff(
    changes(declared, newInputs).filter(matters),
    ({ path }) => replaces(path, newInputs, mutability),
    false,
  );
}
