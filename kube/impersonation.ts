import { isRecord } from "../core/records.ts";
import { KubeconfigError } from "./errors.ts";

/** Requests act as somebody else by these; `as` itself, Impersonate-User, is the client library's. */
export type ImpersonationHeaders = Readonly<Record<string, string>>;

/** Escaped as in client-go: what a header's name may not hold. The API server takes it back. */
function escapedKey(key: string): string {
  return encodeURIComponent(key).replaceAll("(", "%28").replaceAll(")", "%29");
}

/** The texts of a field that is a list, or may be. */
function texts(value: unknown): readonly string[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  return list.filter((each) => typeof each === "string" || typeof each === "number").map(String);
}

/** Each field that is set, with the header that it goes into and its values. */
function fieldsOf(user: Readonly<Record<string, unknown>>): readonly [string, string, readonly string[]][] {
  const extra = user["as-user-extra"];
  const all: [string, string, readonly string[]][] = [
    ["as-groups", "Impersonate-Group", texts(user["as-groups"])],
    ["as-uid", "Impersonate-Uid", texts(user["as-uid"])],
    ...Object.entries(isRecord(extra) ? extra : {}).map(
      ([key, value]): [string, string, readonly string[]] => [
        `as-user-extra["${key}"]`,
        `Impersonate-Extra-${escapedKey(key)}`,
        texts(value),
      ],
    ),
  ];
  return all.filter(([, , values]) => values.length > 0 && values[0] !== "");
}

/**
 * What the client library drops of a kubeconfig's user that acts as somebody else. Several values of one field would have
 * to go out as several headers of one name, which fetch joins into one value: requests with that would have other rights
 * than asked for, so they are refused.
 * @param user as it stands in the kubeconfig
 * @throws KubeconfigError for several values of a field, and for fields without the user that they belong to
 */
export function impersonationHeaders(
  name: string,
  user: Readonly<Record<string, unknown>>,
): ImpersonationHeaders {
  const fields = fieldsOf(user);
  const [first] = fields;
  if (first !== undefined && texts(user["as"]).every((as) => as === "")) {
    throw new KubeconfigError(
      `The kubeconfig's user "${name}" has ${first[0]} without "as". Name the user to act as there, or remove ${first[0]}.`,
    );
  }
  const several = fields.filter(([, , values]) => values.length > 1).map(([field]) => field);
  if (several.length > 0) {
    throw new KubeconfigError(
      `The kubeconfig's user "${name}" has several values in ${several.join(", ")}; only one can be sent here. ` +
        "Leave one, or name a user who has these rights without impersonation.",
    );
  }
  return Object.fromEntries(fields.map(([, header, [value = ""]]) => [header, value]));
}
