import { hardwareTees, sampleTees } from "../initdata/binding.ts";
import {
  ANY_TEE,
  EVERY_KEY,
  type GrantTable,
  type OtherSecrets,
  type TableBinding,
} from "../policy/grants.ts";
import { isRecord, own } from "../records.ts";

/** What the policy decides by: the model that the generated Rego is proven equal to. */
export interface AccessRules {
  readonly others: OtherSecrets;
  readonly secrets: GrantTable;
}

/** A request as the KBS hands it to the policy: `data["resource-path"]` and `data.plugin`, of whatever shape. */
export interface PolicyData {
  readonly "resource-path"?: unknown;
  readonly plugin?: unknown;
}

/** One secret's key in one repository. */
export interface Resource {
  readonly repository: string;
  readonly secret: string;
  readonly key: string;
}

/** The repository under which the operator mounts Kubernetes Secrets, and the only one that grants speak of. */
export const DEFAULT_REPOSITORY = "default";

function fromParts(parts: readonly unknown[]): Resource | undefined {
  const [repository, secret, key] = parts;
  if (typeof repository !== "string" || typeof secret !== "string" || typeof key !== "string")
    return undefined;
  return repository === "" || secret === "" || key === "" ? undefined : { repository, secret, key };
}

/**
 * The resource that a request names. The KBS hands the path over as an array of three with `plugin` "resource" (from
 * v0.17) or as one string `resource/<repository>/<secret>/<key>` (up to v0.16); anything else is no resource.
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

/** True if there is a submod cpu0 and every submod is affirming. @param token the EAR token's claims, `input` of the policy */
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

/** No submod has evidence that no hardware signed. @param token one that {@link isAffirming} */
function isHardware(token: unknown): boolean {
  return Object.values(field(token, "submods") as object).every((submod: unknown) =>
    sampleTees.every((tee) => field(evidenceOf(submod), tee) === undefined),
  );
}

/** How the TEE of a token binds initdata, by its evidence; of a TEE that is not known, only that it is one. */
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

/** Why a request is answered as it is. */
export type Decision =
  | { readonly allowed: true; readonly why: (typeof allowedReasons)[number] }
  | { readonly allowed: false; readonly why: (typeof deniedReasons)[number] };

/** The decision that has this reason. */
export function decisionOf(why: Decision["why"]): Decision {
  const reason = allowedReasons.find((one) => one === why);
  if (reason !== undefined) return { allowed: true, why: reason };
  return { allowed: false, why: deniedReasons.find((one) => one === why) ?? "no-resource" };
}

/** Whether a pod whose token is `token` may have what `data` asks for. */
export function decide(rules: AccessRules, data: PolicyData, token: unknown): Decision {
  const resource = requestedResource(data);
  if (resource === undefined) return { allowed: false, why: "no-resource" };
  if (!isAffirming(token)) return { allowed: false, why: "not-affirming" };
  if (!Object.hasOwn(rules.secrets, resource.secret)) {
    return rules.others === "affirming"
      ? { allowed: true, why: "not-restricted" }
      : { allowed: false, why: "others-denied" };
  }
  const keys = own(rules.secrets, resource.secret);
  const initData = claimedInitData(token);
  const isReader = [EVERY_KEY, resource.key].some((key) => {
    const readers = own(keys, key) ?? {};
    return bindingsOf(token).some(
      (binding) => initData !== undefined && own(readers[binding], initData) !== undefined,
    );
  });
  return isReader && resource.repository === DEFAULT_REPOSITORY
    ? { allowed: true, why: "granted" }
    : { allowed: false, why: "not-a-reader" };
}
