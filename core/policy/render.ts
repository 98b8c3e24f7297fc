import { hardwareTees, sampleTees } from "../initdata/binding.ts";
import { mapValues } from "../records.ts";
import {
  ANY_TEE,
  EVERY_KEY,
  mergeGrants,
  type GrantTable,
  type OtherSecrets,
  type StackGrants,
} from "./grants.ts";
import { regoLimits } from "../rego/limits.ts";
import { renderRegistry, type Before } from "./registry.ts";

/**
 * The rules. They work in regorus 0.2.6 to 0.11 and in OPA, as Rego v0 and v1. regorus aborts the evaluation
 * where OPA yields "undefined". Therefore each builtin's argument is checked by type first, and no `not`
 * about the path ever allows it.
 */
export const REQUEST_RULES = `default allow = false

# What is asked for. The KBS hands the path over as an array of three (from v0.17, data.plugin is "resource" then)
# or as one string "resource/<repository>/<secret>/<key>" (up to v0.16). Any other shape is no request: denied.
requested = {"repository": path[0], "secret": path[1], "key": path[2]} if {
  path := data["resource-path"]
  is_array(path)
  data.plugin == "resource"
  count(path) == 3
  all_names(path[0], path[1], path[2])
}

requested = {"repository": path[1], "secret": path[2], "key": path[3]} if {
  is_string(data["resource-path"])
  path := split(data["resource-path"], "/")
  count(path) == 4
  path[0] == "resource"
  all_names(path[1], path[2], path[3])
}

all_names(repository, secret, key) if {
  is_string(repository)
  is_string(secret)
  is_string(key)
  repository != ""
  secret != ""
  key != ""
}

# The attestation: there is a submod cpu0, and every submod is affirming.
affirming if {
  is_object(input.submods)
  input.submods.cpu0["ear.status"] == "affirming"
  count([name | some name; input.submods[name]["ear.status"] == "affirming"]) == count(input.submods)
}

`;

const READER_RULES = `# What was measured, and by which TEE: the evidence holds what a TEE reports under that TEE's name.
evidence = input.submods.cpu0["ear.veraison.annotated-evidence"]

bindings = ${JSON.stringify(hardwareTees, null, 2)}

# The initdata that the TEE was started with: PCR8, host data or mr_config_id.
init_data = measured if {
  measured := evidence.init_data
  is_string(measured)
}

# No submod's evidence is of a TEE without hardware, which says of itself what its client likes.
hardware if {
${sampleTees
  .map(
    (tee) =>
      `  count([claims | some name; claims := input.submods[name]["ear.veraison.annotated-evidence"].${tee}]) == 0`,
  )
  .join("\n")}
}

# Among the readers is one whose TEE binds initdata as the TEE in the evidence does. "any" is what an older release wrote.
reads(readers) if {
  hardware
  some tee
  is_object(evidence[tee])
  readers[bindings[tee]][init_data]
}

reads(readers) if {
  hardware
  readers.${ANY_TEE}[init_data]
}

# Not attested by hardware, and declared as such.
reads(readers) if {
  is_object(evidence.sample)
  readers.sample[init_data]
}

# A restricted secret is read from the repository "default", by its readers.
allow if {
  affirming
  requested.repository == "default"
  reads(restricted[requested.secret]["*"])
}

allow if {
  affirming
  requested.repository == "default"
  reads(restricted[requested.secret][requested.key])
}
`;

/** Allows all unrestricted secrets. Every pod reads its image policy this way. */
export const OTHERS_AFFIRMING = `
# A secret that is not restricted, in any repository, is read by every affirming pod.
allow if {
  affirming
  object.get(restricted, requested.secret, "anybody") == "anybody"
}
`;

export const OTHERS_DENY = `
# A secret that is not restricted is read by nobody.
`;

/** A reader in a line that is too wide for the engine: as many of its names as fit. */
function cutReader(line: string): string {
  const [, start, reader, end = ""] = /^(\s*"(?:[^"\\]|\\.)*": )(".*")(,?)$/.exec(line) ?? [];
  if (start === undefined || reader === undefined) return line;
  const names = String(JSON.parse(reader)).split(", ");
  const room = regoLimits.column - 1 - Buffer.byteLength(start + end);
  const width = (text: string): number => Buffer.byteLength(JSON.stringify(text));
  const kept: string[] = [];
  // The number of the other names is never longer than that of all.
  let used = width(`, and ${names.length} more`);
  for (const name of names) {
    used += width(`${name}, `) - 2;
    if (used > room) break;
    kept.push(name);
  }
  const rest = names.length - kept.length;
  const all =
    kept.length === 0 ? `${rest} reader${rest === 1 ? "" : "s"}` : `${kept.join(", ")}, and ${rest} more`;
  return `${start}${JSON.stringify(all)}${end}`;
}

/**
 * The table with {@link EVERY_KEY}, without readers, if no secret has it. OPA infers the table's type, and rejects a
 * rule that looks up a key which no secret has. Trustee's engine has no types.
 */
function withEveryKey(secrets: GrantTable): GrantTable {
  const has = Object.values(secrets).some((keys) => keys[EVERY_KEY] !== undefined);
  return has ? secrets : mapValues(secrets, (keys) => ({ [EVERY_KEY]: {}, ...keys }));
}

/**
 * The table as JSON, with lines that the engine reads. Names in it only inform: the stacks' lines, which are
 * comments and may have any length, have all of them.
 */
function tableJson(secrets: GrantTable): string {
  const lines = JSON.stringify(withEveryKey(secrets), null, 2).split("\n");
  return lines
    .map((line) => (Buffer.byteLength(line) < regoLimits.column ? line : cutReader(line)))
    .join("\n");
}

function renderTable(table: string): string {
  return `# secret -> key ("*" is every key) -> how the TEE binds initdata -> init_data -> reader. A secret that stands here is restricted by its name,
# in every repository; what the table does not say, nobody may.
restricted = ${table}
`;
}

function renderRules(others: OtherSecrets): string {
  return REQUEST_RULES + READER_RULES + (others === "affirming" ? OTHERS_AFFIRMING : OTHERS_DENY);
}

/**
 * Renders the resource policy for all stacks on a Trustee.
 * @param stacks at least one
 * @param before the key's content before the first stack. The policy holds it, so the last stack to leave can
 *   restore it.
 */
export function renderPolicy(stacks: readonly StackGrants[], before: Before): string {
  return render(stacks, before, tableJson);
}

/** The same as an earlier release wrote it: with lines of any width, and with the keys of the grants alone. */
export function renderWidePolicy(stacks: readonly StackGrants[], before: Before): string {
  return render(stacks, before, (secrets) => JSON.stringify(secrets, null, 2));
}

function render(
  stacks: readonly StackGrants[],
  before: Before,
  write: (secrets: GrantTable) => string,
): string {
  const { others, secrets } = mergeGrants(stacks);
  return `package policy

import future.keywords.if

${renderRegistry({ stacks, before })}
${renderTable(write(secrets))}
${renderRules(others)}`;
}
