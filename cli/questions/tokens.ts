import { STRANGER } from "./oddities.ts";
import { affirmingToken, earToken, submod, type TrustClaims } from "../../core/access/token.ts";
import { claimSpellings, hardwareTees } from "../../core/initdata/binding.ts";
import type { NamedClaim } from "../audit/pod-claims.ts";

/** TEEs of pods, as tokens name them. Hardware does not attest the last one. */
const podTees = ["az-snp-vtpm", "az-tdx-vtpm", "snp", "tdx", "se", "cca", "csv", "sample"] as const;
export type PodTee = (typeof podTees)[number];

/** The devices of a pod: none, a GPU, or a server's eight with their switches. */
const deviceSets = ["none", "gpu", "gpus"] as const;
export type DeviceSet = (typeof deviceSets)[number];

const gpu = submod("affirming", undefined, "nvidia");

function numbered(name: string, count: number): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Array.from({ length: count }, (_, at) => [`${name}${at}`, gpu]));
}

const devices: Readonly<Record<DeviceSet, Readonly<Record<string, unknown>>>> = {
  none: {},
  gpu: { gpu0: gpu },
  gpus: { ...numbered("gpu", 8), ...numbered("switch", 4) },
};

/** The trust vectors of a pod that attests well. Stock attestation policies have two for some TEEs. */
const trust: readonly TrustClaims[] = [
  { executables: 3, hardware: 2, configuration: 2 },
  { executables: 4, hardware: 2, configuration: 3 },
];
const withTwo: readonly string[] = ["snp", "tdx"];

/** A pod that attests well. */
export interface AttestedPod {
  readonly tee: PodTee;
  readonly devices: DeviceSet;
  readonly token: unknown;
}

/** Pods of one TEE that attest well and make this claim: without devices, and with some. */
export function attestedPods(
  tee: PodTee,
  claim: string,
  sets: readonly DeviceSet[] = deviceSets,
): readonly AttestedPod[] {
  const vectors = withTwo.includes(tee) ? trust : trust.slice(0, 1);
  return sets.flatMap((set) =>
    vectors.map((vector) => ({
      tee,
      devices: set,
      token: earToken({ cpu0: submod("affirming", claim, tee, vector), ...devices[set] }),
    })),
  );
}

/** A claim in the form of a TEE that no pod makes. */
function strangersClaim(tee: PodTee): string {
  if (tee === "sample") return Buffer.alloc(32, 0xff).toString("base64");
  return tee === "tdx" ? "f".repeat(96) : STRANGER;
}

/** An unknown pod on Azure that attests well. */
export const strangerToken: unknown = affirmingToken(STRANGER);

/** Unknown pods of every TEE that attest well, with and without devices. */
export const strangers: readonly AttestedPod[] = [
  { tee: "az-snp-vtpm", devices: "none", token: strangerToken },
  ...podTees.flatMap((tee) => attestedPods(tee, strangersClaim(tee))).slice(1),
];

/** The TEEs whose claim this may be. */
export function teesOf({ binding }: Pick<NamedClaim, "binding">): readonly PodTee[] {
  return podTees.filter((tee) => (tee === "sample" ? "sample" : hardwareTees[tee]) === binding);
}

/** Every pod that may make one of these claims, in every spelling. */
export function podsClaiming(
  claims: readonly NamedClaim[],
  sets: readonly DeviceSet[] = deviceSets,
): readonly AttestedPod[] {
  return claims.flatMap((claim) =>
    teesOf(claim).flatMap((tee) =>
      claimSpellings(claim.binding, claim.value).flatMap((spelling) => attestedPods(tee, spelling, sets)),
    ),
  );
}

const badTrust: readonly (readonly [status: string, trust?: TrustClaims])[] = [
  ["contraindicated"],
  ["contraindicated", { executables: 3, hardware: 97, configuration: 2 }],
  ["warning"],
  ["warning", { executables: 3, hardware: 2, configuration: 36 }],
  ["none"],
];

/** Tokens of pods that do not attest well, one for each reason. @param initData their claim */
export function badTokens(initData: string, tee: PodTee = "az-snp-vtpm"): readonly unknown[] {
  return badTrust.map(([status, vector]) => earToken({ cpu0: submod(status, initData, tee, vector) }));
}

/** Tokens of unknown pods of every TEE that do not attest well. */
export const badStrangers: readonly unknown[] = podTees.flatMap((tee) => badTokens(strangersClaim(tee), tee));

/** Empty tokens. */
export const emptyTokens: readonly unknown[] = [earToken({}), {}];

/** A pod whose CPU attests well, and whose GPU does not. @param initData its claim */
export function partlyBadToken(initData: string): unknown {
  return earToken({
    cpu0: submod("affirming", initData, "az-snp-vtpm"),
    gpu0: submod("contraindicated", undefined, "nvidia"),
  });
}

export const EVERYBODY = "Every attested pod";

/** Attested pods in words. @param given those that get something */
export function whoText(given: readonly AttestedPod[]): string {
  const teesWith = (isWith: (pod: AttestedPod) => boolean): readonly PodTee[] =>
    podTees.filter((tee) => given.some((pod) => pod.tee === tee && isWith(pod)));
  const isAll = (tees: readonly PodTee[]): boolean =>
    podTees.every((tee) => tee === "sample" || tees.includes(tee));
  const bare = teesWith((pod) => pod.devices === "none");
  if (isAll(bare)) return EVERYBODY;
  const equipped = teesWith((pod) => pod.devices !== "none").filter((tee) => !bare.includes(tee));
  const on = (tees: readonly PodTee[]): string => (isAll(tees) ? "" : ` on ${tees.join(", ")}`);
  if (bare.length === 0) return `Every attested pod with a GPU${on(equipped)}`;
  return `Every attested pod${on(bare)}${equipped.length === 0 ? "" : `, and with a GPU${on(equipped)},`}`;
}
