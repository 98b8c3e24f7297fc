import { hardwareTees, sampleTees } from "../initdata/binding.ts";
import { DEFAULT_REPOSITORY, type Resource } from "../names.ts";
import { ANY_TEE, EVERY_KEY, type AccessRules, type TableBinding } from "../policy/grants.ts";
import { isRecord, own } from "../records.ts";

/** A request as the KBS passes it to the policy: `data["resource-path"]` and `data.plugin`, of any type. */
export interface PolicyData {
  readonly "resource-path"?: unknown;
  readonly plugin?: unknown;
}

function fromParts(parts: readonly unknown[]): Resource | undefined {
  const [repository, secret, key] = parts;
  if (typeof repository !== "string" || typeof secret !== "string" || typeof key !== "string")
    return undefined;
  return repository === "" || secret === "" || key === "" ? undefined : { repository, secret, key };
}

/**
 * The requested resource. The path is an array of three with `plugin` "resource" (KBS v0.17 and later) or one
 * string `resource/<repository>/<secret>/<key>` (up to v0.16). Any other shape names no resource.
 */
function requestedResource(data: PolicyData): Resource | undefined {
  const path = data["resource-path"];
  if (Array.isArray(path)) {
    return data.plugin === "resource" && path.length === 3 ? fromParts(path) : undefined;
  }
  if (typeof path !== "string") return undefined;
  const [plugin, ...parts] = path.split("/");
  return plugin === "resource" && parts.length === 3 ? fromParts(parts) : undefined;
}

function field(value: unknown, name: string): unknown {
  return isRecord(value) ? own(value, name) : undefined;
}

/** Whether there is a submod cpu0 and all are affirming. @param token the claims: the policy's `input` */
function isAffirming(token: unknown): boolean {
  const submods = field(token, "submods");
  if (field(field(submods, "cpu0"), "ear.status") !== "affirming") return false;
  return Object.values(submods as object).every(
    (submod: unknown) => field(submod, "ear.status") === "affirming",
  );
}

function evidenceOf(submod: unknown): unknown {
  return field(submod, "ear.veraison.annotated-evidence");
}

function cpuEvidence(token: unknown): unknown {
  return evidenceOf(field(field(token, "submods"), "cpu0"));
}

/** The claim `init_data` of submod cpu0: PCR8, host data or mr_config_id in lower-case hex. */
export function claimedInitData(token: unknown): string | undefined {
  const claim = field(cpuEvidence(token), "init_data");
  return typeof claim === "string" ? claim : undefined;
}

/** Whether no submod has evidence without a hardware signature. @param token one that {@link isAffirming} */
function isHardware(token: unknown): boolean {
  return Object.values(field(token, "submods") as object).every((submod: unknown) =>
    sampleTees.every((tee) => field(evidenceOf(submod), tee) === undefined),
  );
}

/** The bindings that match the evidence in a token; for an unknown TEE only `any`. */
function bindingsOf(token: unknown): readonly TableBinding[] {
  const evidence = cpuEvidence(token);
  const holds = (tee: string): boolean => isRecord(field(evidence, tee));
  const hardware: readonly TableBinding[] = [
    ...Object.entries(hardwareTees).flatMap(([tee, binding]) => (holds(tee) ? [binding] : [])),
    ANY_TEE,
  ];
  return [...(isHardware(token) ? hardware : []), ...(holds("sample") ? (["sample"] as const) : [])];
}

export const allowedReasons = ["granted", "not-restricted"] as const;
export const deniedReasons = ["no-resource", "not-affirming", "not-a-reader", "others-denied"] as const;

/** Why a request is allowed or denied. */
export type Decision =
  | { readonly allowed: true; readonly why: (typeof allowedReasons)[number] }
  | { readonly allowed: false; readonly why: (typeof deniedReasons)[number] };

export function decisionOf(why: Decision["why"]): Decision {
  const reason = allowedReasons.find((one) => one === why);
  if (reason !== undefined) return { allowed: true, why: reason };
  return { allowed: false, why: deniedReasons.find((one) => one === why) ?? "no-resource" };
}

const NO_RESOURCE = { allowed: false, why: "no-resource" } as const;

/** Decides whether a pod with this token may read what `data` requests. */
export function decide(rules: AccessRules, data: PolicyData, token: unknown): Decision {
  const resource = requestedResource(data);
  if (resource === undefined) return NO_RESOURCE;
  if (!isAffirming(token)) return { allowed: false, why: "not-affirming" };
  return decideReader(rules, resource, claimedInitData(token), bindingsOf(token));
}

/** A pod as attested: its claim, and how its TEE binds initdata. */
export interface AttestedReader {
  readonly initData: string;
  readonly binding: TableBinding;
}

/** The same for an affirming pod and a well-formed request. @param repository @default `default` */
export function decideFor(
  rules: AccessRules,
  { repository = DEFAULT_REPOSITORY, secret, key }: Omit<Resource, "repository"> & Partial<Resource>,
  { initData, binding }: AttestedReader,
): Decision {
  const resource = fromParts([repository, secret, key]);
  if (resource === undefined) return NO_RESOURCE;
  const hardware = [binding === ANY_TEE ? "azure-vtpm" : binding, ANY_TEE] as const;
  return decideReader(rules, resource, initData, binding === "sample" ? [binding] : hardware);
}

function decideReader(
  rules: AccessRules,
  resource: Resource,
  initData: string | undefined,
  bindings: readonly TableBinding[],
): Decision {
  if (!Object.hasOwn(rules.secrets, resource.secret)) {
    return rules.others === "affirming"
      ? { allowed: true, why: "not-restricted" }
      : { allowed: false, why: "others-denied" };
  }
  const keys = own(rules.secrets, resource.secret);
  const isReader = [EVERY_KEY, resource.key].some((key) => {
    const readers = own(keys, key) ?? {};
    return bindings.some(
      (binding) => initData !== undefined && own(readers[binding], initData) !== undefined,
    );
  });
  return isReader && resource.repository === DEFAULT_REPOSITORY
    ? { allowed: true, why: "granted" }
    : { allowed: false, why: "not-a-reader" };
}
