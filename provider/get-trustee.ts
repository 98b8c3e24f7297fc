import { z } from "zod";
import { Issues } from "../core/issues.ts";
import { readEntries } from "../core/kbs-config/entries.ts";
import { own } from "../core/own.ts";
import { readDocument } from "../core/reference-values/document.ts";
import { candidateKeys, generationFacts, generations, type Generation } from "../core/trustee/generation.ts";
import { ownerLabels, STACK_ANNOTATION } from "../core/trustee/ownership.ts";
import type { KubeClient } from "../kube/client.ts";
import type { KubeObject } from "../kube/objects.ts";
import type { InvokeResponse, Log, PropertyMap } from "../protocol/index.ts";
import { contentOf, readConfigMap } from "./config-map.ts";
import { functionArgs } from "./function-args.ts";
import { findGeneration } from "./generation.ts";
import { Survey } from "./survey.ts";
import { checkOwnSecrets, otherBytes } from "./trustee-facts.ts";

const argsSchema = z.object({
  namespace: z.string().min(1),
  kbsConfig: z.string().min(1),
  deployment: z.string().min(1),
  certificateSecret: z.string().min(1),
  resourcePolicy: z.string().min(1),
  referenceValues: z.string().min(1),
  url: z.string().min(1).nullish(),
  generation: z.enum(generations).nullish(),
  existingSecrets: z.array(z.string()),
  createdSecrets: z.array(z.string()),
  stack: z.string().min(1),
});
type Args = z.output<typeof argsSchema>;

/** The certificate in a `kubernetes.io/tls`-like Secret: public, unlike the rest of it. */
function certificateOf(secret: KubeObject, args: Args, issues: Issues): string {
  const data = z.record(z.string(), z.string()).nullish().parse(secret["data"]) ?? {};
  const pem = Buffer.from(data["tls.crt"] ?? "", "base64").toString("utf8");
  if (/-----BEGIN CERTIFICATE-----[^]+-----END CERTIFICATE-----/.test(pem)) return pem;
  issues.add({
    path: "trustee.certificateSecret",
    given: `Secret "${args.certificateSecret}" ${data["tls.crt"] === undefined ? "without the key tls.crt" : "whose tls.crt holds no certificate"}`,
    allowed: "a Secret with the KBS's certificate in PEM under tls.crt",
    mend: "Put the certificate that the KBS serves into the Secret, or name the Secret that holds it.",
  });
  return "";
}

function hostOf(route: KubeObject | undefined): string | undefined {
  const host = z.object({ host: z.string().min(1) }).safeParse(route?.["spec"]);
  return host.success ? host.data.host : undefined;
}

function checkCreated(name: string, metadata: KubeObject["metadata"], args: Args, issues: Issues): void {
  const { labels = {}, annotations = {} } = metadata;
  const ours = Object.entries(ownerLabels).every(([label, value]) => own(labels, label) === value);
  const stack = annotations[STACK_ANNOTATION];
  if (ours && stack === args.stack) return;
  issues.add({
    path: `secrets "${name}"`,
    given: `a Secret to be created, which exists already in namespace "${args.namespace}"${ours ? ` and belongs to the stack ${stack ?? "(unnamed)"}` : ""}`,
    allowed: "a name that is free, or that this stack created",
    mend: "Declare it as an existing secret, or choose another name.",
  });
}

/**
 * What the program has to know of the live Trustee. It is the preflight too: every reason why this stack could not be
 * put on this Trustee is found, and they are thrown together, before anything is written.
 * @throws IssuesError
 */
export async function getTrustee(args: PropertyMap, kube: KubeClient, log: Log): Promise<InvokeResponse> {
  const want = functionArgs("getTrustee", argsSchema, args);
  const issues = new Issues();
  const survey = new Survey(kube, want.namespace, issues);
  const pinned: Generation | undefined = want.generation ?? undefined;
  const hasUrl = typeof want.url === "string";
  const routes = candidateKeys("route", pinned);
  const [kbsConfig, , certificate, policyMap, valuesMap, looked] = await Promise.all([
    survey.need("KbsConfig", want.kbsConfig, "trustee.kbsConfig"),
    survey.need("Deployment", want.deployment, "trustee.deployment"),
    survey.need("Secret", want.certificateSecret, "trustee.certificateSecret"),
    survey.need("ConfigMap", want.resourcePolicy, "trustee.namespace"),
    survey.need("ConfigMap", want.referenceValues, "trustee.namespace"),
    Promise.all(routes.map((name) => survey.look("Route", name, hasUrl))),
    ...want.existingSecrets.map((name) => survey.needSecret(name, `secrets "${name}"`)),
    ...want.createdSecrets.map(async (name) => {
      const metadata = await survey.metadata(name);
      if (metadata !== undefined) checkCreated(name, metadata, want, issues);
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
  if (maps.values !== undefined)
    checkReferenceValues(referenceValuesKey, contentOf(maps.values, referenceValuesKey), want, issues);
  const registered = kbsConfig === undefined ? [] : registeredSecrets(kbsConfig, issues);
  if (kbsConfig !== undefined)
    checkOwnSecrets(kbsConfig, [...want.existingSecrets, ...want.createdSecrets], issues);
  const pem = certificate === undefined ? "" : certificateOf(certificate, want, issues);
  const warnings = await survey.missing(
    registered.filter((name) => !want.createdSecrets.includes(name) && !want.existingSecrets.includes(name)),
    want.kbsConfig,
  );
  issues.throwIfAny(`the Trustee in namespace "${want.namespace}"`);
  for (const warning of warnings) log.warn(warning);
  return {
    result: {
      url: url ?? "",
      certificate: pem,
      generation,
      policyKey,
      referenceValuesKey,
      policy: maps.policy === undefined ? null : contentOf(maps.policy, policyKey),
      referenceValues: maps.values === undefined ? null : contentOf(maps.values, referenceValuesKey),
      policyOtherBytes: otherBytes(policyMap, policyKey),
      referenceValuesOtherBytes: otherBytes(valuesMap, referenceValuesKey),
      referenceValuesAnnotations: { ...maps.values?.annotations },
      registeredSecrets: registered,
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

function checkReferenceValues(key: string, content: string | null, args: Args, issues: Issues): void {
  try {
    readDocument(key, content);
  } catch (error) {
    issues.add({
      path: `ConfigMap "${args.referenceValues}"`,
      given: error instanceof Error ? error.message : String(error),
      allowed: "what this generation of Trustee can read",
      mend: "Correct it by hand; an empty document will do.",
    });
  }
}
