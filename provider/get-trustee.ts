import { z } from "zod";
import { Issues } from "../core/issues.ts";
import { readEntries, readLedger, SECRET_LEDGER_ANNOTATION } from "../core/kbs-config/entries.ts";
import type { StackId } from "../core/policy/grants.ts";
import { isNamesake, namesakeIssue } from "../core/policy/identity.ts";
import { isOfNamesake, ownerOf } from "../core/policy/owner.ts";
import { readLedgers, REFERENCE_VALUES_LEDGER_ANNOTATION } from "../core/reference-values/ledger.ts";
import { generations, knownRoutes } from "../core/trustee/generation.ts";
import { operatorName } from "../core/trustee/seen.ts";
import {
  isLabelled,
  isMadeBy,
  KEEP_ANNOTATION,
  markOf,
  STACK_ANNOTATION,
} from "../core/trustee/ownership.ts";
import type { KubeClient } from "../kube/client.ts";
import { keysOf } from "../kube/managed-fields.ts";
import type { Kind, KubeObject } from "../kube/objects.ts";
import { readTrusteeObjects } from "../kube/trustee-objects.ts";
import type { Log, PropertyMap } from "./protocol/index.ts";
import { readCertificates, routersCertificates } from "./certificates.ts";
import { contentOf, readConfigMap, type ConfigMap } from "./config-map.ts";
import { functionArgs } from "./function-args.ts";
import { findRoute } from "./routes.ts";
import { NamespaceReads } from "./namespace-reads.ts";
import { checkOwnSecrets, lostLines, missingWarnings, otherBytes, updateWarnings } from "./trustee-facts.ts";
import { checkReferenceValues, settingWarnings, trusteeKeys, unreadWarnings } from "./trustee-keys.ts";

const argsSchema = z.object({
  namespace: z.string().min(1),
  kbsConfig: z.string().min(1),
  deployment: z.string().min(1),
  /** Absent: as the KbsConfig names it. */
  certificateSecret: z.string().min(1).optional(),
  /** The CA that guests trust, instead of the one from the Secret: PEM, or `public`. */
  certificateAuthority: z.string().min(1).optional(),
  url: z.string().min(1).optional(),
  /** The keys to use if the cluster does not show which ones Trustee reads. */
  policyKey: z.string().min(1).optional(),
  referenceValuesKey: z.string().min(1).optional(),
  /** Sets both keys; from an older release. */
  generation: z.enum(generations).optional(),
  /** Whether any initdata is generated. Only that contains the certificate. */
  generatesInitdata: z.boolean().default(true),
  existingSecrets: z.array(z.string()),
  createdSecrets: z.array(z.string()),
  stack: z.string().min(1),
  /** The identity in the stack's state; absent if it has none yet. */
  identity: z.string().optional(),
});
type Args = z.output<typeof argsSchema>;

function checkCreated(
  name: string,
  metadata: KubeObject["metadata"],
  args: Args,
  takeOver: boolean,
  issues: Issues,
): void {
  const own: StackId = args;
  if (isMadeBy(own, metadata)) return;
  const mark = isLabelled(metadata.labels) ? markOf(metadata.annotations) : undefined;
  if (mark !== undefined && isNamesake(mark, own)) {
    if (!takeOver) namesakeIssue(`secrets "${name}"`, `the Secret "${name}"`, own.stack, issues);
    return;
  }
  issues.add({
    code: "TA806",
    path: `secrets "${name}"`,
    given: `a Secret to be created, which exists already in namespace "${args.namespace}"${isLabelled(metadata.labels) ? ` and belongs to the stack ${mark?.stack ?? "(unnamed)"}` : ""}`,
    allowed: "a name that is free, or that this stack created",
    fix:
      mark === undefined
        ? "Declare it as an existing secret, or choose another name."
        : `Declare it as an existing secret, or choose another name. If this stack created it under that name: kubectl annotate secret ${name} -n ${args.namespace} ${STACK_ANNOTATION}=${own.stack} --overwrite`,
  });
}

/** Adds an issue for a created Secret that is now declared as existing: Pulumi would delete it. */
function checkExisting(name: string, metadata: KubeObject["metadata"], args: Args, issues: Issues): void {
  if (!isMadeBy(args, metadata) || metadata.annotations?.[KEEP_ANNOTATION] === "true") return;
  issues.add({
    code: "TA809",
    path: `secrets "${name}"`,
    given: "an existing secret, but this stack created it: it would be deleted with its values",
    allowed: "a Secret that this stack did not create, or has handed over",
    fix: `Hand it over first: declare it as before with keep: true, run pulumi up, then declare it with from: existing.`,
  });
}

/** Adds an issue if another stack of the same name owns ledger entries but has no line in the policy. */
function checkLedgers(
  kbsConfig: KubeObject | undefined,
  values: ConfigMap | undefined,
  args: Args,
  issues: Issues,
): void {
  const [, project = "", stack = ""] = args.stack.split("/");
  const own = ownerOf(`urn:pulumi:${stack}::${project}::`, args.identity);
  const ledger = readLedger(kbsConfig?.metadata.annotations?.[SECRET_LEDGER_ANNOTATION]);
  const ledgers = readLedgers(values?.annotations[REFERENCE_VALUES_LEDGER_ANNOTATION]);
  const places = [
    [`KbsConfig "${args.kbsConfig}"`, Object.values(ledger).flat()],
    [`the reference values`, Object.values(ledgers).flatMap(({ owners }) => Object.keys(owners))],
  ] as const;
  for (const [place, owners] of places) {
    if (owners.some((owner) => isOfNamesake(owner, own)))
      namesakeIssue(place, "an ownership record", args.stack, issues);
  }
}

/**
 * Reads what the program needs to know of the live Trustee, and checks that this stack can be deployed on it.
 * All problems are thrown together, before anything is written.
 * @param takeOver whether this stack takes over what another stack of the same name has left
 * @throws IssuesError
 */
export async function getTrustee(
  args: PropertyMap,
  kube: KubeClient,
  log: Log,
  takeOver = false,
): Promise<PropertyMap> {
  const want = functionArgs("getTrustee", argsSchema, args);
  const issues = new Issues();
  const reads = new NamespaceReads(kube, want.namespace, issues);
  const declaredKeys = new Map<string, readonly string[]>();
  const reading = reads.needKbsConfig(want.kbsConfig);
  const objectReads = {
    need: async (kind: Kind, name: string, path: string) => reads.need(kind, name, path),
    read: async (kind: Kind, name: string) => (await reads.read(kind, name, true))?.value,
  };
  const certificateIssues = new Issues();
  const objectsRead = readTrusteeObjects(objectReads, reading, want.deployment);
  const certificatesRead = objectsRead.then(async (found) =>
    readCertificates(reads, found, want, certificateIssues),
  );
  const served = certificatesRead.then((found) => found.servedCertificate ?? found.certificate);
  const [kbsConfig, objects, found, routes] = await Promise.all([
    reading,
    objectsRead,
    certificatesRead,
    findRoute(reads, want.url !== undefined, served),
    ...want.existingSecrets.map(async (name) => {
      const metadata = await reads.needSecret(name, `secrets "${name}"`);
      if (metadata === undefined) return;
      checkExisting(name, metadata, want, issues);
      const keys = keysOf(metadata);
      if (keys !== undefined) declaredKeys.set(name, keys);
    }),
    ...want.createdSecrets.map(async (name) => {
      const metadata = await reads.metadata(name);
      if (metadata !== undefined) checkCreated(name, metadata, want, takeOver, issues);
    }),
  ]);
  reads.needAnswers(`the Trustee in namespace "${want.namespace}"`);
  const { names, seen, policy: policyMap, referenceValues: valuesMap } = objects;
  const maps = {
    policy: policyMap && readConfigMap(policyMap),
    values: valuesMap && readConfigMap(valuesMap),
  };
  const keys = trusteeKeys(seen, names, maps, want, issues);
  const { policyKey, referenceValuesKey } = keys;
  const certificates =
    routes.route?.terminatesTls === true ? routersCertificates(routes.route.name, want, issues) : found;
  if (certificates === found) issues.addAll(certificateIssues.found);
  const url = want.url ?? (routes.route && `https://${routes.route.host}`);
  if (url === undefined) {
    const named = `Route ${knownRoutes.map((name) => `"${name}"`).join(" or ")} in namespace "${want.namespace}"`;
    issues.add({
      code: "TA810",
      path: "trustee.url",
      given: routes.isUnread
        ? `nothing, and the ${named} cannot be read`
        : `nothing, and there is no ${named}`,
      allowed: "the URL at which the pods reach the KBS",
      fix: "Set trustee.url, or expose the KBS by a Route.",
    });
  }
  if (!takeOver) checkLedgers(kbsConfig, maps.values, want, issues);
  if (maps.values !== undefined)
    checkReferenceValues(maps.values, referenceValuesKey, seen, names.referenceValues, issues);
  const registered = kbsConfig === undefined ? [] : registeredSecrets(kbsConfig, issues);
  const declared = [...want.existingSecrets, ...want.createdSecrets];
  checkOwnSecrets(kbsConfig, found.certificateSecret, declared, issues);
  const listed = await reads.listed(registered.filter((name) => !declared.includes(name)));
  issues.throwIfAny(`the Trustee in namespace "${want.namespace}"`);
  const policyPlace = { namespace: want.namespace, name: names.policy };
  const warnings = [
    ...missingWarnings(listed.missing, want.kbsConfig),
    ...settingWarnings(seen, want),
    ...unreadWarnings(names, maps, keys),
  ];
  for (const warning of [...warnings, ...updateWarnings(maps.policy, policyPlace, routes.known)])
    log.warn(warning);
  return {
    url: url ?? "",
    ...certificates,
    kbsConfig: kbsConfig?.metadata.name ?? want.kbsConfig,
    generation: operatorName(seen, keys),
    policyConfigMap: names.policy,
    referenceValuesConfigMap: names.referenceValues,
    policyKey,
    referenceValuesKey,
    policy: maps.policy === undefined ? null : contentOf(maps.policy, policyKey),
    referenceValues: maps.values === undefined ? null : contentOf(maps.values, referenceValuesKey),
    policyOtherBytes: otherBytes(policyMap, policyKey),
    referenceValuesOtherBytes: otherBytes(valuesMap, referenceValuesKey),
    referenceValuesAnnotations: { ...maps.values?.annotations },
    vanished: await lostLines(kube, kbsConfig, maps.policy, { ...policyPlace, key: policyKey }, want),
    registeredSecrets: registered,
    missingSecrets: listed.missing,
    secretKeys: { ...listed.keys, ...Object.fromEntries(declaredKeys) },
    warnings,
  };
}

function registeredSecrets(kbsConfig: KubeObject, issues: Issues): readonly string[] {
  const { name, namespace = "" } = kbsConfig.metadata;
  try {
    const spec = z.looseObject({}).nullish().parse(kbsConfig["spec"]);
    return readEntries(spec?.["kbsSecretResources"], kbsConfig.metadata);
  } catch {
    issues.add({
      code: "TA811",
      path: "trustee.kbsConfig",
      given: `KbsConfig "${name}", whose spec.kbsSecretResources is not a list of names`,
      allowed: "a list of names of Secrets",
      fix: `Correct it: kubectl edit kbsconfig ${name} -n ${namespace}`,
    });
    return [];
  }
}
