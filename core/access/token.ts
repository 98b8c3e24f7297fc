import { hardwareTees } from "../initdata/binding.ts";
import type { TableBinding } from "../policy/grants.ts";

/** A pod by what it attests: its claim, and how its TEE binds initdata. */
export interface Claimant {
  readonly initData: string;
  readonly binding: TableBinding;
}

/** The first TEE that binds initdata so, as a token's evidence spells it. */
export function teeOf(binding: TableBinding): string {
  const [tee] = Object.entries(hardwareTees).find(([, one]) => one === binding) ?? [];
  return tee ?? (binding === "sample" ? binding : "az-snp-vtpm");
}

/** A submod with evidence as Trustee puts it into a token. @param tee the name of what the TEE reports */
export function submod(status: unknown, claim: unknown, tee: string): Readonly<Record<string, unknown>> {
  return { "ear.status": status, "ear.veraison.annotated-evidence": { init_data: claim, [tee]: {} } };
}
