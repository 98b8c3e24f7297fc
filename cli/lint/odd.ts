import type { Finding, Place } from "./finding.ts";
import { kbsOf, oddRequests, requestData, type AskedKey, type KindFacts } from "../questions/questions.ts";
import { strangerToken } from "../questions/tokens.ts";

/** TA004: what a stranger gets by an odd path of a policy that denies the regular one. */
export function lintOdd(
  kinds: readonly KindFacts[],
  secrets: readonly AskedKey[],
  where: Place,
): readonly Finding[] {
  const opened = kinds.flatMap(({ kind, ask }) => {
    const denied = secrets.filter(
      ({ secret, key }) => ask(requestData(kind.shape, secret, key), strangerToken) === false,
    );
    // One key of each secret shows it.
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
        `With ${kbsOf(worst.kind)}, a pod that is granted nothing is allowed ${worst.what}, ` +
        `where the policy restricts a secret${more === 0 ? "" : `; and ${more} more such path${more === 1 ? "" : "s"}`}.`,
      why: worst.regular
        ? "An upgrade of Trustee, which changes how the path is handed over, opens restricted secrets."
        : "No KBS asks like this today, but nothing else stands between such a path and the secrets: a `not` about the path holds where it cannot be read.",
      fix: "Open no path by a `not` about it: test its shape first, and let only what was understood be allowed.",
    },
  ];
}
