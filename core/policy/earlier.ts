import {
  ANY_TEE,
  canonicalGrants,
  listGrants,
  mergeGrants,
  type GrantTable,
  type StackGrants,
} from "./grants.ts";
import { renderRegistry, type Before } from "./registry.ts";
import { OTHERS_AFFIRMING, OTHERS_DENY, REQUEST_RULES } from "./render.ts";

/** The reader rules of the previous release: the claim alone counted, whichever TEE reports it. */
const READER_RULES = `# What the TEE was started with, as measured: PCR8, host data or mr_config_id, lower-case hex.
init_data = measured if {
  measured := input.submods.cpu0["ear.veraison.annotated-evidence"].init_data
  is_string(measured)
}

# A restricted secret is read from the repository "default", by its readers.
allow if {
  affirming
  requested.repository == "default"
  restricted[requested.secret]["*"][init_data]
}

allow if {
  affirming
  requested.repository == "default"
  restricted[requested.secret][requested.key][init_data]
}
`;

type EarlierTable = Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, string>>>>>>;

function earlierTable(table: GrantTable): EarlierTable {
  return Object.fromEntries(
    Object.entries(table).map(([secret, keys]) => [
      secret,
      Object.fromEntries(Object.entries(keys).map(([key, readers]) => [key, readers[ANY_TEE] ?? {}])),
    ]),
  );
}

function earlierLine(stack: StackGrants): unknown {
  const { secrets, retiring, ...rest } = canonicalGrants(stack);
  return {
    ...rest,
    secrets: earlierTable(secrets),
    ...(retiring === undefined ? {} : { retiring: earlierTable(retiring) }),
  };
}

/**
 * Whether the previous release rendered this policy and nobody changed it. Then its rules match its lines,
 * and the next `up` of any stack rewrites them.
 * @param stacks the lines in the policy
 */
export function isEarlierPolicy(text: string, stacks: readonly StackGrants[], before: Before): boolean {
  const tables = stacks.flatMap(({ secrets, retiring = {} }) => [secrets, retiring]);
  if (tables.flatMap(listGrants).some(({ binding }) => binding !== ANY_TEE)) return false;
  const { others, secrets } = mergeGrants(stacks);
  const earlier = `package policy

import future.keywords.if

${renderRegistry({ stacks, before }, earlierLine)}
# secret -> key ("*" is every key) -> init_data -> reader. A secret that stands here is restricted by its name,
# in every repository; what the table does not say, nobody may.
restricted = ${JSON.stringify(earlierTable(secrets), null, 2)}

${REQUEST_RULES}${READER_RULES}${others === "affirming" ? OTHERS_AFFIRMING : OTHERS_DENY}`;
  return text === earlier;
}
