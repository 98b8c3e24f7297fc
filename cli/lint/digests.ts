import { INITDATA_ANNOTATION } from "../../core/initdata/annotation.ts";
import { BROKEN_WORDS, isBroken, strayWords } from "../../core/initdata/annotation-names.ts";
import { fitWords, misfitOf } from "../../core/initdata/tee.ts";
import { getOrAdd } from "../../core/records.ts";
import { listGrants, mergeGrants, type GrantTable } from "../../core/policy/grants.ts";
import { shownName } from "../../core/shown.ts";
import type { LiveFacts, PodFacts } from "../audit/facts.ts";
import { mapPlace, podPlace, policyPlace, type Finding } from "./finding.ts";
import {
  bindingStep,
  isEditedLater,
  possibleSpellings,
  readPodClaims,
  type PodClaims,
} from "../audit/pod-claims.ts";
import { differsInCase, digestsInPolicy } from "../audit/policy-text.ts";
import { digestEntriesOf } from "../audit/attestation-policy.ts";
import { registrationOf } from "../audit/registration.ts";
import { teesOf } from "../questions/tokens.ts";
import { likelyClaims } from "../audit/likely-claim.ts";
import { isInitdataEntry, liveGrants, livePolicy, liveReferenceValues } from "../audit/trustee-view.ts";

interface ReadPod {
  readonly pod: PodFacts;
  readonly claims: PodClaims;
}

/** TA104: initdata that a guest cannot start with. */
function unreadable(pod: PodFacts, problem: string): Finding {
  const what = `The pod's initdata cannot be read: ${problem}.`;
  const why = "A guest rejects such initdata, and the digest that the pod claims is unknown.";
  const fix = "Recreate the annotation: compress the initdata document with gzip and encode it as base64.";
  return { id: "TA104", severity: "warning", where: podPlace(pod), what, why, fix };
}

/** TA107: an initdata annotation that some or all runtimes cannot read. */
function oddAnnotations(pod: PodFacts): readonly Finding[] {
  const { annotation, strayAnnotations = [] } = pod;
  const common = { id: "TA107", severity: "warning", where: podPlace(pod) } as const;
  // A second annotation under a wrong name does no harm.
  if (annotation === undefined) {
    return strayAnnotations.map((name) => ({
      ...common,
      about: [name],
      what: `The pod has no initdata annotation: ${strayWords(name)}.`,
      why: "The guest starts without initdata, so it matches no reader and gets no granted secret.",
      fix: `Recreate the pod with the annotation ${INITDATA_ANNOTATION}.`,
    }));
  }
  if (!isBroken(annotation)) return [];
  const what = `The pod's initdata annotation ${BROKEN_WORDS}.`;
  const why = "The pod does not start on a runtime that rejects it.";
  const fix = "Encode it with base64 -w0 and recreate the pod. The digest stays the same.";
  return [{ ...common, what, why, fix }];
}

/** TA108: pods whose runtime class or instance size contradicts their binding. */
function misbound({ trustee, stack }: LiveFacts, pods: readonly ReadPod[]): readonly Finding[] {
  const tell = likelyClaims({ trustee, stack });
  return pods.flatMap(({ pod, claims }): readonly Finding[] => {
    const claim = tell(pod, claims);
    const misfit = claim?.sure === true ? misfitOf(claim.binding, pod) : undefined;
    if (claim === undefined || misfit === undefined) return [];
    const what = `The pod's stack, or its registered or granted digest, implies the binding ${claim.binding}, but its ${misfit.by} fits ${fitWords(misfit)}.`;
    const why = "Its TEE reports another claim than the granted one, so the KBS gives it no secret.";
    const fix = bindingStep(misfit);
    return [{ id: "TA108", severity: "warning", where: podPlace(pod), what, why, fix }];
  });
}

/** TA105: initdata that may have been edited after it was measured at the start. */
function edited(pod: PodFacts): Finding {
  const { at = 0, by = "Someone" } = pod.annotated ?? {};
  const what = `${shownName(by)} wrote the pod ${at - pod.createdAt} s after its creation and may have changed its initdata annotation.`;
  const why =
    "The guest was measured with the initdata that it started with, so the pod may claim another digest than the annotation's.";
  const fix = "Recreate the pod with the intended initdata.";
  return { id: "TA105", severity: "warning", where: podPlace(pod), what, why, fix };
}

/** Whether the same digest exists in another case. Trustee compares exactly. */
function hasTwin(digests: ReadonlySet<string>, digest: string): boolean {
  return [...digests].some((one) => differsInCase(one, digest));
}

/** In hexadecimal digits: longer than any digest. */
const LONGEST_DIGEST = 256;

/** The start of a sentence: no checked pod has this digest. */
function noPodHas({ namespaces }: LiveFacts, known: ReadonlySet<string>, digest: string): string {
  const where = namespaces === undefined ? "" : " in the checked namespaces";
  const twin = hasTwin(known, digest) ? " (one has it in another case; Trustee compares exactly)" : "";
  return `No running pod${where} has the digest ${shownName(digest, LONGEST_DIGEST)}${twin}`;
}

/** Digest -> its reader's name in a grant table. */
function readersIn(table: GrantTable): ReadonlyMap<string, string> {
  const named = listGrants(table).map(({ initData, reader }): [string, string] => [initData, reader]);
  return new Map(named.reverse());
}

/** TA101: digests in the policy. */
function stalePolicyDigests(facts: LiveFacts, known: ReadonlySet<string>): readonly Finding[] {
  const { trustee } = facts;
  const { text } = livePolicy(trustee);
  if (text === undefined) return [];
  const stacks = (liveGrants(trustee)?.stacks ?? []).map((grants) => ({
    stack: grants.stack,
    readers: readersIn(mergeGrants([grants]).secrets),
    retiring: readersIn(grants.retiring ?? {}),
  }));
  return digestsInPolicy(text)
    .filter(({ digest, of }) => !known.has(digest) && of !== "something else")
    .map(({ digest, line, of }) => {
      const holder = stacks.find(({ readers }) => readers.has(digest));
      const reader =
        holder && `${shownName(holder.readers.get(digest) ?? "")} of the stack ${shownName(holder.stack)}`;
      const changing = stacks.find(({ retiring }) => retiring.has(digest));
      const unsure = of === "unknown" ? "; it may be a digest of something other than initdata" : "";
      return {
        id: "TA101",
        severity: of === "unknown" ? "note" : "warning",
        where: { ...policyPlace(trustee), line },
        about: [digest],
        what: `${noPodHas(facts, known, digest)}${reader === undefined ? "" : ` (${reader})`}, which the policy names${unsure}.`,
        why: "Anyone who can start a pod with that initdata reads its secrets, if the digest is registered.",
        fix:
          changing === undefined
            ? "Remove the grant, or start the pod. If it runs in another cluster, name that cluster with --pods-context."
            : `A change of initdata is in progress or was interrupted. Run pulumi up of the stack ${shownName(changing.stack)} to finish it.`,
      };
    });
}

/** TA102: digests in the reference values. */
function staleReferenceValues(facts: LiveFacts, known: ReadonlySet<string>): readonly Finding[] {
  const { map, key, entries = [] } = liveReferenceValues(facts.trustee);
  const holders = new Map<string, string[]>();
  for (const { name, values } of entries) {
    if (!isInitdataEntry(name, facts.stack)) continue;
    for (const value of values) {
      if (known.has(value)) continue;
      getOrAdd(holders, value, (): string[] => []).push(name);
    }
  }
  const where = mapPlace(facts.trustee, map, key);
  const why =
    "A pod with that initdata, whoever starts it, attests well and reads what every attested pod may read.";
  const fix =
    "Remove it, or start the pod. If it runs in another cluster, name that cluster with --pods-context.";
  return [...holders].map(([digest, names]) => {
    const holding = names.map((name) => shownName(name)).join(" and ");
    const what = `${noPodHas(facts, known, digest)}, which ${holding} hold${names.length === 1 ? "s" : ""}.`;
    return { id: "TA102", severity: "warning", where, about: [digest], what, why, fix };
  });
}

/**
 * TA103: pods whose digest is not registered although the attestation policy asks for it.
 * - Attestation policy unknown: vTPMs need an entry; bare metal needs one only if there are entries for it.
 * - A note only, if it is unknown whether the pod is on bare metal.
 */
function unregistered(facts: LiveFacts, pods: readonly ReadPod[]): readonly Finding[] {
  const { trustee, stack } = facts;
  const live = liveReferenceValues(trustee).entries;
  if (live === undefined) return [];
  const tell = likelyClaims({ trustee, stack });
  return pods.flatMap(({ pod, claims }): readonly Finding[] => {
    const claim = tell(pod, claims);
    if (claim === undefined) return [];
    // Of any instance size: explain checks which TEE's entry holds it.
    const asked = digestEntriesOf(trustee, teesOf(claim));
    const { entries, holding, elsewhere, twin, dead } = registrationOf(live, {}, claim, stack, asked);
    const isAskedFor =
      asked === undefined ? claim.binding === "azure-vtpm" || entries.length > 0 : asked.length > 0;
    if (holding.length > 0 || elsewhere.length > 0 || !isAskedFor) return [];
    const named = asked ?? entries.map(({ name }) => name);
    const names = named.map((name) => shownName(name)).join(", ") || "the reference values";
    const also =
      dead !== undefined
        ? `: ${shownName(dead.entry)} ${dead.words}`
        : twin === undefined
          ? ""
          : "; one there differs only in case";
    const unless = claim.sure ? "" : "; on bare metal it needs none";
    const what = `The pod's ${claim.name} ${claim.value} is in no reference value${also}${unless}.`;
    const why = "Its attestation is not affirming, so the KBS gives it no secret, not even its image policy.";
    const fix = claim.sure
      ? `Register it in ${names}, or delete the pod if it should not exist.`
      : `Register it in ${names}, unless the pod is on bare metal. Name its stack (--stack) to find out.`;
    const severity = claim.sure ? "warning" : "note";
    return [{ id: "TA103", severity, where: podPlace(pod), what, why, fix }];
  });
}

/** The digests of initdata in the pods, the policy and the reference values. */
export function lintDigests(facts: LiveFacts): readonly Finding[] {
  if (facts.pods === undefined) return [];
  const findings: Finding[] = [];
  const read: ReadPod[] = [];
  for (const pod of facts.pods) {
    const claims = readPodClaims(pod);
    findings.push(...oddAnnotations(pod));
    if (claims === undefined) continue;
    if ("problem" in claims) findings.push(unreadable(pod, claims.problem));
    else {
      read.push({ pod, claims });
      if (isEditedLater(pod)) findings.push(edited(pod));
    }
  }
  const known = new Set(read.flatMap(({ claims }) => possibleSpellings(claims)));
  return [
    ...findings,
    ...stalePolicyDigests(facts, known),
    ...staleReferenceValues(facts, known),
    ...unregistered(facts, read),
    ...misbound(facts, read),
  ];
}
