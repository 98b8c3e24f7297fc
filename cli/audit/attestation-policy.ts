import { fieldsAfter, inBrackets } from "./rego-fields.ts";
import { regoStatements, type RegoBranch, type RegoStatement } from "../../core/rego/rules.ts";
import { isSign, isWord, stringValue, type RegoToken } from "../../core/rego/tokens.ts";
import { own } from "../../core/records.ts";
import type { TrusteeFacts } from "./facts.ts";
import { kbsKinds } from "../questions/questions.ts";

/** The key of the attestation policy for the class of devices that are CPUs. */
const KEY = "default_cpu.rego";

/** The trust claims that a stock attestation policy sets by what it recognizes; all of them have to be good. */
const trustClaims = ["executables", "hardware", "configuration"] as const;

/** A reference value that an attestation policy asks for. */
export interface Demand {
  /** Its entry's name. */
  readonly entry: string;
  /** The field of the evidence that it is compared with, e.g. `pcr08`. */
  readonly field: string;
}

/** What has to fit for a pod of one TEE to attest well. */
export type Appraisal =
  /** Nothing makes it attest well: no rule sets this trust claim for the TEE. @member like the name under which there is one */
  | { readonly kind: "never"; readonly claim: string; readonly like?: string }
  /** One of the alternatives of each trust claim: all of its demands. */
  | { readonly kind: "asks"; readonly claims: readonly (readonly (readonly Demand[])[])[] };

/** Fields of the evidence beside the TEE's own. */
const beside = ["init_data", "init_data_claims", "report_data", "runtime_data_claims"];

/** The TEEs that a rule's body is for, as it calls them. */
function teesIn(tokens: readonly RegoToken[]): readonly string[] {
  const bracketed = inBrackets(tokens);
  return tokens.flatMap((token, at) => {
    if (!isWord(token, "input")) return [];
    const [name] = fieldsAfter(bracketed, at + 1).names;
    return name === undefined || beside.includes(name) ? [] : [name];
  });
}

/** What one expression asks for: `... in query_reference_value("name")`, or of `data.reference` up to KBS v0.15. */
function demandsIn(expression: readonly RegoToken[]): readonly Demand[] {
  const bracketed = inBrackets(expression);
  const names = expression.map((token, at) =>
    token.kind === "word" ? fieldsAfter(bracketed, at + 1).names : [],
  );
  const compared = expression.flatMap((token, at) =>
    token.kind === "word" && token.text !== "data" ? (names[at]?.slice(-1) ?? []) : [],
  );
  return expression.flatMap((token, at) => {
    const [open, name] = expression.slice(at + 1, at + 3);
    const [first, entry] = isWord(token, "data") ? (names[at] ?? []) : [];
    const asked =
      isWord(token, "query_reference_value") && isSign(open, "(") && name?.kind === "string"
        ? stringValue(name)
        : first === "reference"
          ? entry
          : undefined;
    return asked === undefined ? [] : [{ entry: asked, field: compared[0] ?? "" }];
  });
}

/** Whether a trust claim of this value keeps a pod from being affirming: unknown values do not. */
function isGood(value: readonly RegoToken[]): boolean {
  const number = Number(value.map(({ text }) => text).join(""));
  return Number.isNaN(number) || value.length === 0 || (number >= 0 && number <= 31);
}

/** So many rules for one trust claim are looked at, and so many that each needs: no policy that anybody runs has as many. */
const MOST_RULES = 100;

/** The demands of a rule's body, those of the rules that it needs among them: of each, its first body. */
function demandsOf(
  { body }: RegoBranch,
  rules: ReadonlyMap<string, readonly RegoStatement[]>,
): readonly Demand[] {
  const met = new Set<string>(trustClaims);
  const bodies = [body];
  for (const one of bodies) {
    if (bodies.length >= MOST_RULES) break;
    for (const { kind, text } of one.flat()) {
      if (kind !== "word" || met.has(text)) continue;
      met.add(text);
      const [branch] = rules.get(text)?.flatMap(({ branches }) => branches) ?? [];
      if (branch !== undefined) bodies.push(branch.body);
    }
  }
  return bodies.flatMap((one) => one.flatMap(demandsIn));
}

/** Names of TEEs that are but spelled otherwise: `az_snp_vtpm`. */
const plain = (tee: string): string => tee.replaceAll(/[-_]/g, "");

/** What an attestation policy asks of the pods of one TEE, as far as its text tells. @param spellings as the KBS calls it */
function appraisalOf(text: string, spellings: readonly string[]): Appraisal {
  const [tee = ""] = spellings;
  const rules = Map.groupBy(regoStatements(text), ({ name }) => name);
  const claims: (readonly (readonly Demand[])[])[] = [];
  for (const claim of trustClaims) {
    const statements = rules.get(claim) ?? [];
    if (statements.length === 0) continue;
    const branches = statements
      .filter(({ isDefault }) => !isDefault)
      .flatMap((statement) => statement.branches)
      .filter(({ value }) => isGood(value))
      .slice(0, MOST_RULES)
      .map((branch) => ({ branch, tees: teesIn(branch.body.flat()) }));
    const own = branches.filter(
      ({ tees }) => tees.length === 0 || tees.some((one) => spellings.includes(one)),
    );
    const isGoodAnyway = statements.some(({ isDefault, tokens }) => isDefault && isGood(tokens.slice(-1)));
    const [like] = branches.flatMap(({ tees }) => tees.filter((one) => plain(one) === plain(tee)));
    if (own.length === 0 && !isGoodAnyway) {
      return { kind: "never", claim, ...(like === undefined ? {} : { like }) };
    }
    const alternatives = own.map(({ branch }) => demandsOf(branch, rules));
    claims.push(isGoodAnyway ? [[]] : alternatives);
  }
  return { kind: "asks", claims };
}

/** What the installed attestation policy asks of the pods of one TEE; `undefined`: it is not seen. */
export function liveAppraisal(trustee: TrusteeFacts, tee: string): Appraisal | undefined {
  const text = own(trustee.attestationPolicy?.data, KEY);
  if (text === undefined) return undefined;
  // KBS v0.15 and older call Azure's without hyphens; of the ConfigMaps of that time it is not seen which KBS runs.
  const mayBeOld = kbsKinds(trustee).some(({ syntax }) => syntax === "v0");
  return appraisalOf(text, mayBeOld ? [tee, plain(tee)] : [tee]);
}

/** Fields of the evidence that the initdata makes. */
const DIGEST = /^pcr_?0?8$|^(?:init_?data|host_?data|mr_?config_?id)$/i;

/** Whether a demand is about the digest of the initdata, not about a measurement of something else. */
function isOfDigest({ field, entry }: Demand): boolean {
  return DIGEST.test(field) || (field === "" && /pcr_?0?8$|init_?data/i.test(entry));
}

/** The entries that have to hold the digest of a pod's initdata. */
export function digestEntries({ claims }: Appraisal & { readonly kind: "asks" }): readonly string[] {
  const demands = claims.flatMap((alternatives) => alternatives.flat());
  return [...new Set(demands.filter(isOfDigest).map(({ entry }) => entry))];
}

/** The entries of other measurements, for each trust claim by its alternatives. */
export function otherEntries({
  claims,
}: Appraisal & { readonly kind: "asks" }): readonly (readonly (readonly string[])[])[] {
  return claims.map((alternatives) =>
    alternatives.map((demands) => demands.filter((one) => !isOfDigest(one)).map(({ entry }) => entry)),
  );
}

/** The entries that have to hold a digest on any of these TEEs; `undefined`: the attestation policy is not seen. */
export function digestEntriesOf(
  trustee: TrusteeFacts,
  tees: readonly string[],
): readonly string[] | undefined {
  const appraisals = tees.flatMap((tee) => liveAppraisal(trustee, tee) ?? []);
  if (appraisals.length === 0) return undefined;
  return [...new Set(appraisals.flatMap((one) => (one.kind === "asks" ? digestEntries(one) : [])))];
}
