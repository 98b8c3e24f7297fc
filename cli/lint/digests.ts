import { INITDATA_ANNOTATION } from "../../core/initdata/annotation.ts";
import { BROKEN_WORDS, isBroken, strayWords } from "../../core/initdata/annotation-names.ts";
import { fitWords, misfitOf } from "../../core/initdata/tee.ts";
import { getOrAdd } from "../../core/records.ts";
import { listGrants, mergeGrants, type GrantTable } from "../../core/policy/grants.ts";
import { shownName } from "../../core/policy/shown-name.ts";
import { differsInCase } from "../audit/digest-case.ts";
import { bindingStep } from "../explain/pod.ts";
import type { LiveFacts, PodFacts } from "../audit/facts.ts";
import type { Finding, Place } from "./finding.ts";
import { possibleSpellings, readPodClaims, type PodClaims } from "../audit/pod-claims.ts";
import { digestsInPolicy, readGenerated } from "../audit/policy-text.ts";
import { digestEntriesOf } from "../audit/attestation-policy.ts";
import { registrationOf } from "../audit/registration.ts";
import { teesOf } from "../questions/tokens.ts";
import { claimTeller } from "../audit/told-claim.ts";
import { isInitdataEntry, livePolicy, liveReferenceValues } from "../audit/trustee-view.ts";

interface ReadPod {
  readonly pod: PodFacts;
  readonly claims: PodClaims;
}

function placeOf({ namespace, name }: PodFacts): Place {
  return { kind: "Pod", namespace, name };
}

/** TA104: initdata that no guest can start with. */
function unreadable(pod: PodFacts, problem: string): Finding {
  return {
    id: "TA104",
    severity: "warning",
    where: placeOf(pod),
    what: `The pod's initdata cannot be read: ${problem}.`,
    why: "A guest refuses such initdata; and what the pod claims cannot be told.",
    fix: "Make the annotation anew: base64 of gzip of the initdata document.",
  };
}

/** TA107: initdata that some runtime, or every one, does not find. */
function oddAnnotations(pod: PodFacts): readonly Finding[] {
  const { annotation, strayAnnotations = [] } = pod;
  const common = { id: "TA107", severity: "warning", where: placeOf(pod) } as const;
  // Beside the right one, another does no harm.
  if (annotation === undefined) {
    return strayAnnotations.map((name) => ({
      ...common,
      about: [name],
      what: `The pod has no initdata annotation: ${strayWords(name)}.`,
      why: "The guest starts without initdata, attests as no reader, and gets no secret that is granted to one.",
      fix: `Create the pod anew with ${INITDATA_ANNOTATION}.`,
    }));
  }
  if (!isBroken(annotation)) return [];
  return [
    {
      ...common,
      what: `The pod's initdata annotation ${BROKEN_WORDS}.`,
      why: "Under a runtime that does not take it, the pod does not start.",
      fix: "Make it by base64 -w0, and create the pod anew: the digest stays the same.",
    },
  ];
}

/** TA108: pods that are taken to bind initdata otherwise than what they run on does. */
function misbound({ trustee, stack }: LiveFacts, pods: readonly ReadPod[]): readonly Finding[] {
  const tell = claimTeller({ trustee, stack });
  return pods.flatMap(({ pod, claims }): readonly Finding[] => {
    const claim = tell(pod, claims);
    const misfit = claim?.sure === true ? misfitOf(claim.binding, pod) : undefined;
    if (claim === undefined || misfit === undefined) return [];
    return [
      {
        id: "TA108",
        severity: "warning",
        where: placeOf(pod),
        what: `The pod is taken for ${claim.binding}, by its stack or by what is registered and granted, but its ${misfit.by} goes with ${fitWords(misfit)}.`,
        why: "Its TEE claims something else than what is granted, so the KBS gives it no secret.",
        fix: bindingStep(misfit),
      },
    ];
  });
}

/** How long after its creation a pod's annotation may still be written by what creates it. Seconds. */
const CREATION_GRACE = 2;

/** Whether the initdata annotation may have been written after the pod was made. */
export function isEditedLater({ createdAt, annotated }: PodFacts): boolean {
  return annotated !== undefined && annotated.at > createdAt + CREATION_GRACE;
}

/** TA105: what is measured is the initdata of the start. */
function edited(pod: PodFacts): Finding {
  return {
    id: "TA105",
    severity: "warning",
    where: placeOf(pod),
    what: `${shownName(pod.annotated?.by ?? "Somebody")} has written the pod ${(pod.annotated?.at ?? 0) - pod.createdAt} s after its creation, its initdata annotation perhaps too.`,
    why: "The guest was measured with the initdata of its start: what the annotation says now may not be what the pod claims.",
    fix: "Delete the pod and create it again with the initdata that it should have.",
  };
}

/** Whether there is the same digest in another case, which to Trustee is another one. */
function hasTwin(digests: ReadonlySet<string>, digest: string): boolean {
  return [...digests].some((one) => differsInCase(one, digest));
}

/** Of hexadecimal digits; more than of any digest. */
const LONGEST_DIGEST = 256;

/** A sentence's beginning: that no pod which was looked at has a digest. */
function nobodyHas({ namespaces }: LiveFacts, known: ReadonlySet<string>, digest: string): string {
  const where = namespaces === undefined ? "" : " in the namespaces looked at";
  const twin = hasTwin(known, digest)
    ? " (one has it in another case, which to Trustee is another digest)"
    : "";
  return `No running pod${where} has the digest ${shownName(digest, LONGEST_DIGEST)}${twin}`;
}

/** Digest -> how a table calls who has it. */
function readersIn(table: GrantTable): ReadonlyMap<string, string> {
  const named = listGrants(table).map(({ initData, reader }): [string, string] => [initData, reader]);
  return new Map(named.reverse());
}

/** TA101: digests in the policy. */
function stalePolicyDigests(facts: LiveFacts, known: ReadonlySet<string>): readonly Finding[] {
  const { map, key, text } = livePolicy(facts.trustee);
  if (text === undefined) return [];
  const stacks = (readGenerated(text)?.stacks ?? []).map((grants) => ({
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
      const unsure = of === "unknown" ? ", perhaps as something else than a digest of initdata" : "";
      return {
        id: "TA101",
        severity: of === "unknown" ? "note" : "warning",
        where: {
          kind: "ConfigMap",
          namespace: facts.trustee.namespace,
          name: map,
          part: key,
          line,
        },
        about: [digest],
        what: `${nobodyHas(facts, known, digest)}${reader === undefined ? "" : ` (${reader})`}, which the policy names${unsure}.`,
        why: "Whoever can start a pod with that initdata, and has its digest registered, reads what it is granted.",
        fix:
          changing === undefined
            ? "Take the grant out, or start the pod. If it runs in a cluster that was not looked at, name that one."
            : `A change of initdata is under way, or was interrupted: pulumi up of the stack ${shownName(changing.stack)} ends it.`,
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
  return [...holders].map(([digest, names]) => ({
    id: "TA102",
    severity: "warning",
    where: {
      kind: "ConfigMap",
      namespace: facts.trustee.namespace,
      name: map,
      part: key,
    },
    about: [digest],
    what: `${nobodyHas(facts, known, digest)}, which ${names.map((name) => shownName(name)).join(" and ")} hold${names.length === 1 ? "s" : ""}.`,
    why: "Whoever can start a pod with that initdata attests well, and reads what every attested pod may read.",
    fix: "Take it out, or start the pod. If it runs in a cluster that was not looked at, name that one.",
  }));
}

/**
 * TA103: pods that cannot attest well, by what the attestation policy asks for; where that is not seen, none on bare metal, unless
 * there are entries for it. A pod of which nothing says
 * whether it is on bare metal is worth a note.
 */
function unregistered(facts: LiveFacts, pods: readonly ReadPod[]): readonly Finding[] {
  const { trustee, stack } = facts;
  const live = liveReferenceValues(trustee).entries;
  if (live === undefined) return [];
  const tell = claimTeller({ trustee, stack });
  return pods.flatMap(({ pod, claims }): readonly Finding[] => {
    const claim = tell(pod, claims);
    if (claim === undefined) return [];
    // Whatever its instance size: which of the TEEs' entries holds it, explain tells.
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
          : "; what is there differs in case only";
    const unless = claim.sure ? "" : "; if it runs on bare metal, it needs none";
    return [
      {
        id: "TA103",
        severity: claim.sure ? "warning" : "note",
        where: placeOf(pod),
        what: `The pod's ${claim.name} ${claim.value} is in no reference value${also}${unless}.`,
        why: "Its attestation is not affirming, so the KBS gives it no secret, its image policy neither.",
        fix: claim.sure
          ? `Register it in ${names}, or delete the pod if it should not be there.`
          : `Unless it is on bare metal, register it in ${names}; name its stack, and it is known: --stack.`,
      },
    ];
  });
}

/** Everything about the digests of initdata: in the pods, the policy and the reference values. */
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
