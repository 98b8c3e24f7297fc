import { fieldsAfter, inBrackets } from "./rego-fields.ts";
import { regoStatements, type RegoBranch, type RegoStatement } from "../../core/rego/rules.ts";
import { isSign, isWord, stringValue, type RegoToken } from "../../core/rego/tokens.ts";
import { own } from "../../core/records.ts";
import type { TrusteeFacts } from "./facts.ts";
import { kbsKinds } from "./trustee-view.ts";

/** The key of the attestation policy for CPUs. */
const KEY = "default_cpu.rego";

/** The trust claims that the default attestation policies set; all of them must be good. */
const trustClaims = ["executables", "hardware", "configuration"] as const;

/** A reference value that an attestation policy asks for. */
export interface Demand {
  /** Its entry's name. */
  readonly entry: string;
  /** The field of the evidence that it is compared with, e.g. `pcr08`. */
  readonly field: string;
}

/** What a pod needs to attest well on one TEE. */
export type Appraisal =
  /**
   * It never attests well: no rule sets this trust claim for the TEE.
   * @member like a similar TEE name that has a rule
   */
  | { readonly kind: "never"; readonly claim: string; readonly like?: string }
  /** For each trust claim its alternatives. A pod must meet all demands of one of them. */
  | { readonly kind: "asks"; readonly claims: readonly (readonly (readonly Demand[])[])[] };

/** Fields of the evidence that every TEE has. */
const commonFields = ["init_data", "init_data_claims", "report_data", "runtime_data_claims"];

/** The TEEs that a rule's body names. */
function teesIn(tokens: readonly RegoToken[]): readonly string[] {
  const bracketed = inBrackets(tokens);
  return tokens.flatMap((token, at) => {
    if (!isWord(token, "input")) return [];
    const [name] = fieldsAfter(bracketed, at + 1).names;
    return name === undefined || commonFields.includes(name) ? [] : [name];
  });
}

/**
 * The demands of an expression: `... in query_reference_value("name")`; up to KBS v0.15, `data.reference`.
 */
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

/** Whether a pod with this value of a trust claim can be affirming. Unknown values count as good. */
function isGood(value: readonly RegoToken[]): boolean {
  const number = Number(value.map(({ text }) => text).join(""));
  return Number.isNaN(number) || value.length === 0 || (number >= 0 && number <= 31);
}

/**
 * The limit of rules for a trust claim, and of rules that each of them uses. Real policies have far fewer.
 */
const MOST_RULES = 100;

/** The demands of a rule's body and of the first bodies of the rules that it uses. */
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

/** The name of a TEE without separators. It is the same for all spellings, such as `az_snp_vtpm`. */
const plain = (tee: string): string => tee.replaceAll(/[-_]/g, "");

/** What an attestation policy's text demands of one TEE. @param spellings the KBS's names for the TEE */
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

/** What the installed attestation policy demands of one TEE; `undefined`: it is unknown. */
export function liveAppraisal(trustee: TrusteeFacts, tee: string): Appraisal | undefined {
  const text = own(trustee.attestationPolicy?.data, KEY);
  if (text === undefined) return undefined;
  // KBS v0.15 and older name Azure's TEEs without hyphens. These ConfigMaps do not show which KBS runs.
  const mayBeOld = kbsKinds(trustee).some(({ syntax }) => syntax === "v0");
  return appraisalOf(text, mayBeOld ? [tee, plain(tee)] : [tee]);
}

/** Fields of the evidence that hold the initdata's digest. */
const DIGEST = /^pcr_?0?8$|^(?:init_?data|host_?data|mr_?config_?id)$/i;

/** Whether a demand is for the initdata's digest, not for another measurement. */
function isOfDigest({ field, entry }: Demand): boolean {
  return DIGEST.test(field) || (field === "" && /pcr_?0?8$|init_?data/i.test(entry));
}

/** The entries that must hold the digest of a pod's initdata. */
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

/**
 * The entries that must hold a digest on any of these TEEs; `undefined`: the attestation policy is unknown.
 */
export function digestEntriesOf(
  trustee: TrusteeFacts,
  tees: readonly string[],
): readonly string[] | undefined {
  const appraisals = tees.flatMap((tee) => liveAppraisal(trustee, tee) ?? []);
  if (appraisals.length === 0) return undefined;
  return [...new Set(appraisals.flatMap((one) => (one.kind === "asks" ? digestEntries(one) : [])))];
}
