import type { Plan } from "../plan/plan.ts";
import { readerGroups } from "../plan/reader.ts";
import { podsMeant } from "../settings/references.ts";
import type { Settings } from "../settings/settings.ts";
import { someOf } from "./images.ts";

/** A warning for each pod that reads what is granted to another one alone, whose initdata it shares. */
export function sharedInitdataWarnings(settings: Settings, { readers }: Plan): readonly string[] {
  const granted = Map.groupBy(
    settings.grants.flatMap(({ pod, secret, key }) =>
      pod === undefined
        ? []
        : [{ id: podsMeant(settings.pods, pod)[0]?.id, path: `${secret}/${key ?? "*"}` }],
    ),
    ({ id }) => id,
  );
  return [...readerGroups(readers).values()].flatMap((sharing) => {
    const paths = sharing.map(({ id }) => new Set((granted.get(id) ?? []).map(({ path }) => path)));
    const partly = [...new Set(paths.flatMap((one) => [...one]))].filter(
      (path) => !paths.every((one) => one.has(path)),
    );
    if (partly.length === 0) return [];
    const names = someOf(sharing.map(({ id }) => id));
    return [
      `grants: ${names} share the initdata ${sharing[0]?.file ?? ""}, and are one reader to Trustee: all of them read ${someOf(partly)}, which is not granted to each.`,
    ];
  });
}
