import { hardwareTees, sampleTees } from "../../core/initdata/binding.ts";
import type { TableBinding } from "../../core/policy/grants.ts";
import type { Column } from "../../core/access/matrix.ts";
import { earToken, submod, teeOf } from "../../core/access/token.ts";
import type { AttestedReader } from "../../core/access/model.ts";
import { DEFAULT_REPOSITORY } from "../../core/names.ts";

/** A well-formed claim that no pod makes and no stack grants anything. */
export const STRANGER = "f".repeat(64);

/** Malformed variants of a path: short, long, nested, empty, encoded, of other types. */
export function oddPaths({ secret, key }: Column): readonly unknown[] {
  const repository = DEFAULT_REPOSITORY;
  return [
    [repository, secret],
    [repository, secret, key, "more"],
    ["", secret, key],
    [repository, secret, ""],
    [1, secret, key],
    [repository, [secret], key],
    [repository, { [secret]: true }, key],
    [repository, secret, null],
    [[repository, secret, key]],
    ["resource", repository, secret, key],
    [`resource/${repository}/${secret}/${key}`],
    `${repository}/${secret}/${key}`,
    `/resource/${repository}/${secret}/${key}`,
    `resource/${repository}/${secret}/${key}/`,
    `resource/${repository}/${secret}/${key}/more`,
    `resource/${repository}/${secret}`,
    `resource//${secret}/${key}`,
    `resource/${repository}/${secret}/`,
    `resource/${repository}/${secret}%2F${key}/x`,
    `resource/${repository}/x/../${secret}/${key}`,
    `resource/${repository}//${key}`,
    `resources/${repository}/${secret}/${key}`,
    `plugin/${repository}/${secret}/${key}`,
    `Resource/${repository}/${secret}/${key}`,
    { "0": repository, "1": secret, "2": key },
  ];
}

/** Paths that name no resource. */
export const shapeless: readonly unknown[] = [
  [],
  [DEFAULT_REPOSITORY],
  [DEFAULT_REPOSITORY, null, "k"],
  "",
  "/",
  "//",
  "///",
  null,
  7,
  true,
  {},
];

/** Evidence that does not bind initdata: a GPU's. */
const DEVICE = "nvidia";

/** Evidence that a policy must reject for a pod: of another TEE, of none, without hardware, or misplaced. */
function oddEvidence({ initData, binding }: AttestedReader): readonly unknown[] {
  const tee = teeOf(binding);
  const evidence = (members: object): object => ({ init_data: initData, ...members });
  const affirming = (one: unknown): object => ({
    "ear.status": "affirming",
    "ear.veraison.annotated-evidence": one,
  });
  const token = (cpu0: unknown, gpu0: unknown = { [DEVICE]: {} }): unknown => ({
    submods: { cpu0: affirming(cpu0), gpu0: affirming(gpu0) },
  });
  const good = evidence({ [tee]: {} });
  const others = [...Object.keys(hardwareTees), ...sampleTees, DEVICE].filter((one) => one !== tee);
  return [
    ...others.map((other) => token(evidence({ [other]: {} }))),
    ...sampleTees.flatMap((sample) =>
      [{}, false, null].flatMap((report) => [
        token(good, { [sample]: report }),
        token(evidence({ [tee]: {}, [sample]: report })),
      ]),
    ),
    ...[null, true, "", []].map((report) => token(evidence({ [tee]: report }))),
    token(evidence({})),
    token(evidence({}), { [tee]: {} }),
    token(evidence({ init_data_claims: { [tee]: {} } })),
    token([good]),
    token(good, [{ sample: {} }]),
  ];
}

/** A token with only a CPU's submod. */
export function cpu(status: unknown, claim: unknown, binding: TableBinding): unknown {
  return earToken({ cpu0: submod(status, claim, teeOf(binding)) });
}

/** Tokens that a policy must reject for a pod: other statuses, submods, init_data or evidence. */
export function oddTokens(reader: AttestedReader): readonly unknown[] {
  const { initData: claim, binding } = reader;
  const tee = teeOf(binding);
  const affirming = { "ear.status": "affirming" };
  const badStatuses = ["none", "warning", "contraindicated", "AFFIRMING", "", null, 2, true];
  const good = submod("affirming", claim, tee);
  return [
    ...["none", "warning", "contraindicated", "AFFIRMING", "", null, 2, true, ["affirming"], undefined].map(
      (status) => cpu(status, claim, binding),
    ),
    ...[
      claim.toUpperCase(),
      claim.slice(0, -1),
      `${claim}0`,
      ` ${claim}`,
      "",
      "*",
      null,
      7,
      true,
      [claim],
      { [claim]: claim },
      undefined,
    ].map((other) => cpu("affirming", other, binding)),
    { submods: { cpu0: affirming } },
    { submods: { cpu0: { ...affirming, "ear.veraison.annotated-evidence": claim } } },
    { submods: { cpu0: { ...affirming, init_data: claim } } },
    {
      submods: { cpu0: submod("affirming", { value: claim }, tee) },
    },
    { submods: { cpu0: good, gpu0: affirming } },
    { submods: { cpu0: good, gpu0: submod("affirming", STRANGER, tee) } },
    { submods: { cpu0: submod("affirming", STRANGER, tee), gpu0: good } },
    ...badStatuses.map((status) => ({ submods: { cpu0: good, gpu0: { "ear.status": status } } })),
    { submods: { cpu0: good, gpu0: {} } },
    { submods: { cpu0: good, gpu0: "affirming" } },
    { submods: { cpu0: good, gpu0: null } },
    { submods: { cpu0: submod("warning", claim, tee), gpu0: affirming } },
    { submods: { cpu0: { ...good, "ear.status": undefined }, gpu0: affirming } },
    { submods: { gpu0: good } },
    { submods: { cpu0: "affirming" } },
    { submods: {} },
    { submods: [good] },
    { submods: "affirming" },
    { submods: null },
    { ...good },
    {},
    ...oddEvidence(reader),
  ];
}
