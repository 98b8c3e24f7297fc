import type { Finding, Place } from "./finding.ts";
import { kbsOf, oddRequests, requestData, type AskedKey, type KindFacts } from "../questions/questions.ts";
import { strangerToken } from "../questions/tokens.ts";

/** TA004: what a stranger gets by an unexpected path, where the policy denies the normal one. */
export function lintOdd(
  kinds: readonly KindFacts[],
  secrets: readonly AskedKey[],
  where: Place,
): readonly Finding[] {
  const opened = kinds.flatMap(({ kind, ask }) => {
    const denied = secrets.filter(
      ({ secret, key }) => ask(requestData(kind.shape, secret, key), strangerToken) === false,
    );
    // One key of each secret is enough.
    const restricted = [...Map.groupBy(denied, ({ secret }) => secret).values()].flatMap((keys) =>
      keys.slice(0, 1),
    );
    if (restricted.length === 0) return [];
    return oddRequests(kind, restricted)
      .filter(({ data }) => ask(data, strangerToken) === true)
      .map((request) => ({ ...request, kind }));
  });
  const [worst] = [...opened].sort((a, b) => Number(b.regular) - Number(a.regular));
  if (worst === undefined) return [];
  const more = new Set(opened.map(({ what }) => what)).size - 1;
  return [
    {
      id: "TA004",
      severity: worst.regular ? "error" : "warning",
      where,
      what:
        `With ${kbsOf(worst.kind)}, the policy restricts a secret but allows a pod without grants a request with ${worst.what}` +
        (more === 0 ? "" : `; and ${more} more such path${more === 1 ? "" : "s"}`) +
        ".",
      why: worst.regular
        ? "An upgrade of Trustee changes the path format, which opens restricted secrets."
        : "No KBS sends such a path today, but only this keeps the secrets closed: a `not` about the path is true if the path cannot be parsed.",
      fix: "Do not allow a path by a `not` about it. Check the path's format first, and allow only known formats.",
    },
  ];
}
