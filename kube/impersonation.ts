import { isRecord } from "../core/records.ts";
import { UserError } from "../core/issues.ts";

/** The headers of a request that acts as another user. The client library sends `as` (Impersonate-User). */
export type ImpersonationHeaders = Readonly<Record<string, string>>;

/** Escapes what a header's name may not hold, as client-go does. The API server unescapes it. */
function escapedKey(key: string): string {
  return encodeURIComponent(key).replaceAll("(", "%28").replaceAll(")", "%29");
}

/** The values of a field that may be a list. */
function texts(value: unknown): readonly string[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  return list.filter((each) => typeof each === "string" || typeof each === "number").map(String);
}

/** Each field that is set, with its header and its values. */
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
 * The impersonation fields of a kubeconfig's user that the client library drops. Several values of one field
 * would need several headers of one name, which fetch joins into one value. Such requests would have other
 * rights than intended, so they are refused.
 * @param user as in the kubeconfig
 * @throws UserError for several values of a field, and for fields without the user that they belong to
 */
export function impersonationHeaders(
  name: string,
  user: Readonly<Record<string, unknown>>,
): ImpersonationHeaders {
  const fields = fieldsOf(user);
  const [first] = fields;
  if (first !== undefined && texts(user["as"]).every((as) => as === "")) {
    throw new UserError(
      "TA832",
      `The kubeconfig's user "${name}" has ${first[0]} without "as". Name the user to act as there, or remove ${first[0]}.`,
    );
  }
  const several = fields.filter(([, , values]) => values.length > 1).map(([field]) => field);
  if (several.length > 0) {
    throw new UserError(
      "TA832",
      `The kubeconfig's user "${name}" has several values in ${several.join(", ")}; only one can be sent here. ` +
        "Leave one, or name a user who has these rights without impersonation.",
    );
  }
  return Object.fromEntries(fields.map(([, header, [value = ""]]) => [header, value]));
}
