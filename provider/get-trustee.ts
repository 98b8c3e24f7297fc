import { z } from "zod";
import { Issues } from "../core/issues.ts";
import { readEntries, readLedger, SECRET_LEDGER_ANNOTATION } from "../core/kbs-config/entries.ts";
import type { StackId } from "../core/policy/grants.ts";
import { isNamesake, namesakeIssue } from "../core/policy/identity.ts";
import { isOfNamesake, ownerOf } from "../core/policy/owner.ts";
import { asRecord, own as fieldOf } from "../core/records.ts";
import { readLedgers, REFERENCE_VALUES_LEDGER_ANNOTATION } from "../core/reference-values/ledger.ts";
import { readDocument } from "../core/reference-values/document.ts";
import {
  candidateKeys,
  generationFacts,
  generations,
  trusteeNames,
  type Generation,
} from "../core/trustee/generation.ts";
import {
  isLabelled,
  isMadeBy,
  KEEP_ANNOTATION,
  markOf,
  STACK_ANNOTATION,
} from "../core/trustee/ownership.ts";
import type { KubeClient } from "../kube/client.ts";
import type { KubeObject } from "../kube/objects.ts";
import { keysOf } from "../kube/secret-keys.ts";
import type { InvokeResponse, Log, PropertyMap } from "../protocol/index.ts";
import { certificatesOf } from "./certificates.ts";
import { contentOf, readConfigMap, type ConfigMap } from "./config-map.ts";
import { functionArgs } from "./function-args.ts";
import { findGeneration } from "./generation.ts";
import { Survey } from "./survey.ts";
import { checkOwnSecrets, lostLines, otherBytes, updateWarnings } from "./trustee-facts.ts";

const argsSchema = z.object({
  namespace: z.string().min(1),
  kbsConfig: z.string().min(1),
  deployment: z.string().min(1),
  certificateSecret: z.string().min(1),
  /** What the guests are to trust in place of what follows from the Secret: PEM, or `public`. */
  certificateAuthority: z.string().min(1).nullish(),
  /** Absent: as the KbsConfig names it. */
  resourcePolicy: z.string().min(1).nullish(),
  referenceValues: z.string().min(1).nullish(),
  url: z.string().min(1).nullish(),
  generation: z.enum(generations).nullish(),
  existingSecrets: z.array(z.string()),
  /** Existing secret -> the keys that it should have. */
  keys: z.record(z.string(), z.array(z.string())).nullish(),
  createdSecrets: z.array(z.string()),
  stack: z.string().min(1),
  /** What its state has; absent: nothing yet. */
  identity: z.string().nullish(),
});
type Args = z.output<typeof argsSchema>;

function hostOf(route: KubeObject | undefined): string | undefined {
  const host = z.object({ host: z.string().min(1) }).safeParse(route?.["spec"]);
  return host.success ? host.data.host : undefined;
}

function ownOf({ stack, identity }: Args): StackId {
  return { stack, identity: identity ?? undefined };
}

function checkCreated(
  name: string,
  metadata: KubeObject["metadata"],
  args: Args,
  takeOver: boolean,
  issues: Issues,
): void {
  const own = ownOf(args);
  if (isMadeBy(own, metadata)) return;
  const mark = isLabelled(metadata.labels) ? markOf(metadata.annotations) : undefined;
  if (mark !== undefined && isNamesake(mark, own)) {
    if (!takeOver) namesakeIssue(`secrets "${name}"`, `the Secret "${name}"`, own.stack, issues);
    return;
  }
  issues.add({
    path: `secrets "${name}"`,
    given: `a Secret to be created, which exists already in namespace "${args.namespace}"${isLabelled(metadata.labels) ? ` and belongs to the stack ${mark?.stack ?? "(unnamed)"}` : ""}`,
    allowed: "a name that is free, or that this stack created",
    mend:
      mark === undefined
        ? "Declare it as an existing secret, or choose another name."
        : `Declare it as an existing secret, or choose another name. If this stack has made it under that name: kubectl annotate secret ${name} -n ${args.namespace} ${STACK_ANNOTATION}=${own.stack} --overwrite`,
  });
}

/** A Secret that this stack has created goes when it is not declared as such any more, and would be listed without being there. */
function checkExisting(name: string, metadata: KubeObject["metadata"], args: Args, issues: Issues): void {
  if (!isMadeBy(ownOf(args), metadata) || metadata.annotations?.[KEEP_ANNOTATION] === "true") return;
  issues.add({
    path: `secrets "${name}"`,
    given: "a secret that exists, and which this stack has created: it would be deleted, and its values lost",
    allowed: "a Secret that somebody else has made, or that this stack has handed over",
    mend: `Hand it over first: declare it as before with keep: true, run pulumi up, then declare it with from: existing.`,
  });
}

/** An issue for what another stack of this name has in the ledgers, though it has no line in the policy. */
function checkLedgers(
  kbsConfig: KubeObject | undefined,
  values: ConfigMap | undefined,
  args: Args,
  issues: Issues,
): void {
  const [, project = "", stack = ""] = args.stack.split("/");
  const own = ownerOf(`urn:pulumi:${stack}::${project}::`, args.identity ?? undefined);
  const ledger = readLedger(kbsConfig?.metadata.annotations?.[SECRET_LEDGER_ANNOTATION]);
  const ledgers = readLedgers(values?.annotations[REFERENCE_VALUES_LEDGER_ANNOTATION]);
  const places = [
    [`KbsConfig "${args.kbsConfig}"`, Object.values(ledger).flat()],
    [`the reference values`, Object.values(ledgers).flatMap(({ owners }) => Object.keys(owners))],
  ] as const;
  for (const [place, owners] of places) {
    if (owners.some((owner) => isOfNamesake(owner, own)))
      namesakeIssue(place, "a record of what is whose", args.stack, issues);
  }
}

/** What the KbsConfig names a ConfigMap of Trustee's. */
function namedBy(kbsConfig: KubeObject | undefined, field: string): string | undefined {
  const spec = z.record(z.string(), z.unknown()).safeParse(kbsConfig?.["spec"]).data ?? {};
  const name = fieldOf(spec, field);
  return typeof name === "string" && name !== "" ? name : undefined;
}

/**
 * What the program has to know of the live Trustee. It is the preflight too: every reason why this stack could not be
 * put on this Trustee is found, and they are thrown together, before anything is written.
 * @param takeOver whether what another stack of this name has left is this one's
 * @throws IssuesError
 */
export async function getTrustee(
  args: PropertyMap,
  kube: KubeClient,
  log: Log,
  takeOver = false,
): Promise<InvokeResponse> {
  const want = functionArgs("getTrustee", argsSchema, args);
  const issues = new Issues();
  const survey = new Survey(kube, want.namespace, issues);
  const pinned: Generation | undefined = want.generation ?? undefined;
  const hasUrl = typeof want.url === "string";
  const routes = candidateKeys("route", pinned);
  const reading = survey.need("KbsConfig", want.kbsConfig, "trustee.kbsConfig");
  const names = reading.then((kbsConfig) => ({
    policy:
      want.resourcePolicy ??
      namedBy(kbsConfig, "kbsResourcePolicyConfigMapName") ??
      trusteeNames.resourcePolicy,
    values:
      want.referenceValues ??
      namedBy(kbsConfig, "kbsRvpsRefValuesConfigMapName") ??
      trusteeNames.referenceValues,
  }));
  const map = async (name: string): Promise<KubeObject | undefined> =>
    survey.need("ConfigMap", name, "trustee.namespace");
  const secretKeys = new Map<string, readonly string[]>();
  const [kbsConfig, , certificate, policyMap, valuesMap, looked] = await Promise.all([
    reading,
    survey.need("Deployment", want.deployment, "trustee.deployment"),
    survey.need("Secret", want.certificateSecret, "trustee.certificateSecret"),
    names.then(async ({ policy }) => map(policy)),
    names.then(async ({ values }) => map(values)),
    Promise.all(routes.map((name) => survey.look("Route", name, hasUrl))),
    ...want.existingSecrets.map(async (name) => {
      const metadata = await survey.needSecret(name, `secrets "${name}"`);
      if (metadata === undefined) return;
      checkExisting(name, metadata, want, issues);
      const keys = keysOf(metadata);
      const wanted = fieldOf(want.keys ?? undefined, name) ?? [];
      if (keys !== undefined && wanted.some((key) => !keys.includes(key))) secretKeys.set(name, keys);
    }),
    ...want.createdSecrets.map(async (name) => {
      const metadata = await survey.metadata(name);
      if (metadata !== undefined) checkCreated(name, metadata, want, takeOver, issues);
    }),
  ]);
  const host = looked.map((read) => hostOf(read?.value)).find((one) => one !== undefined);
  survey.needAnswers(`the Trustee in namespace "${want.namespace}"`);
  const maps = {
    policy: policyMap && readConfigMap(policyMap),
    values: valuesMap && readConfigMap(valuesMap),
  };
  const generation = findGeneration(maps, pinned, issues);
  const url = host === undefined ? (want.url ?? undefined) : `https://${host}`;
  if (url === undefined) {
    const named = `Route ${routes.map((name) => `"${name}"`).join(" or ")} in namespace "${want.namespace}"`;
    const unread = looked.some((read) => read === undefined);
    issues.add({
      path: "trustee.url",
      given: unread ? `nothing, and the ${named} cannot be read` : `nothing, and there is no ${named}`,
      allowed: "the URL at which the pods reach the KBS",
      mend: "Set trustee.url, or expose the KBS by a Route.",
    });
  }
  const { policyKey, referenceValuesKey } = generationFacts[generation];
  const { policy: policyConfigMap, values: referenceValuesConfigMap } = await names;
  if (!takeOver) checkLedgers(kbsConfig, maps.values, want, issues);
  if (maps.values !== undefined)
    checkReferenceValues(
      referenceValuesKey,
      contentOf(maps.values, referenceValuesKey),
      referenceValuesConfigMap,
      issues,
    );
  const registered = kbsConfig === undefined ? [] : registeredSecrets(kbsConfig, issues);
  if (kbsConfig !== undefined)
    checkOwnSecrets(kbsConfig, [...want.existingSecrets, ...want.createdSecrets], issues);
  const certificates = certificate === undefined ? {} : certificatesOf(certificate, want, issues);
  const warnings = await survey.missing(
    registered.filter((name) => !want.createdSecrets.includes(name) && !want.existingSecrets.includes(name)),
    want.kbsConfig,
  );
  issues.throwIfAny(`the Trustee in namespace "${want.namespace}"`);
  const policyPlace = { namespace: want.namespace, name: policyConfigMap };
  for (const warning of [...warnings, ...updateWarnings(maps.policy, policyPlace, looked)]) log.warn(warning);
  return {
    result: {
      url: url ?? "",
      ...certificates,
      generation,
      policyConfigMap,
      referenceValuesConfigMap,
      policyKey,
      referenceValuesKey,
      policy: maps.policy === undefined ? null : contentOf(maps.policy, policyKey),
      referenceValues: maps.values === undefined ? null : contentOf(maps.values, referenceValuesKey),
      policyOtherBytes: otherBytes(policyMap, policyKey),
      referenceValuesOtherBytes: otherBytes(valuesMap, referenceValuesKey),
      referenceValuesAnnotations: { ...maps.values?.annotations },
      vanished: await lostLines(
        kube,
        kbsConfig,
        maps.policy,
        { ...policyPlace, key: policyKey },
        ownOf(want),
      ),
      registeredSecrets: registered,
      ...(secretKeys.size === 0 ? {} : { secretKeys: asRecord(secretKeys, (keys) => [...keys]) }),
      warnings,
    },
  };
}

function registeredSecrets(kbsConfig: KubeObject, issues: Issues): readonly string[] {
  try {
    const spec = z.looseObject({}).nullish().parse(kbsConfig["spec"]);
    return readEntries(spec?.["kbsSecretResources"]);
  } catch {
    issues.add({
      path: "trustee.kbsConfig",
      given: "a KbsConfig whose spec.kbsSecretResources is no list of names",
      allowed: "a list of names of Secrets",
      mend: "Correct the KbsConfig: kubectl edit kbsconfig",
    });
    return [];
  }
}

function checkReferenceValues(key: string, content: string | null, configMap: string, issues: Issues): void {
  try {
    readDocument(key, content);
  } catch (error) {
    issues.add({
      path: `ConfigMap "${configMap}"`,
      given: error instanceof Error ? error.message : String(error),
      allowed: "what this generation of Trustee can read",
      mend: "Correct it by hand, and keep what is in it: without its values, other pods may not attest.",
    });
  }
}
