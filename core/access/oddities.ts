import type { Column } from "./matrix.ts";
import { DEFAULT_REPOSITORY } from "./model.ts";

/** The claim of a pod that nobody has registered or granted anything: of the right form, but no pod makes it. */
export const STRANGER = "f".repeat(64);

/** Paths that no KBS hands over, made of one that it may: short, long, nested, empty, encoded, of other types. */
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

/** Paths that name nothing at all. */
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

function submod(status: unknown, claim: unknown): Readonly<Record<string, unknown>> {
  return { "ear.status": status, "ear.veraison.annotated-evidence": { init_data: claim } };
}

/** A token with the submod of a CPU alone. */
export function cpu(status: unknown, claim: unknown): unknown {
  return { submods: { cpu0: submod(status, claim) } };
}

/** What one pod's token may never be: any other status, zero or several submods, init_data of every other kind. */
export function oddTokens(claim: string): readonly unknown[] {
  const affirming = { "ear.status": "affirming" };
  const beside = ["none", "warning", "contraindicated", "AFFIRMING", "", null, 2, true];
  const good = submod("affirming", claim);
  return [
    ...["none", "warning", "contraindicated", "AFFIRMING", "", null, 2, true, ["affirming"], undefined].map(
      (status) => cpu(status, claim),
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
    ].map((other) => cpu("affirming", other)),
    { submods: { cpu0: affirming } },
    { submods: { cpu0: { ...affirming, "ear.veraison.annotated-evidence": claim } } },
    { submods: { cpu0: { ...affirming, init_data: claim } } },
    {
      submods: { cpu0: { ...affirming, "ear.veraison.annotated-evidence": { init_data: { value: claim } } } },
    },
    { submods: { cpu0: good, gpu0: affirming } },
    { submods: { cpu0: good, gpu0: submod("affirming", STRANGER) } },
    { submods: { cpu0: submod("affirming", STRANGER), gpu0: good } },
    ...beside.map((status) => ({ submods: { cpu0: good, gpu0: { "ear.status": status } } })),
    { submods: { cpu0: good, gpu0: {} } },
    { submods: { cpu0: good, gpu0: "affirming" } },
    { submods: { cpu0: good, gpu0: null } },
    { submods: { cpu0: submod("warning", claim), gpu0: affirming } },
    { submods: { cpu0: { "ear.veraison.annotated-evidence": { init_data: claim } }, gpu0: affirming } },
    { submods: { gpu0: good } },
    { submods: { cpu0: "affirming" } },
    { submods: {} },
    { submods: [good] },
    { submods: "affirming" },
    { submods: null },
    { ...good },
    {},
  ];
}
