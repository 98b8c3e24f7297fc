import { DEFAULT_REPOSITORY, type Resource } from "../names.ts";
import { isRecord, own, parseJson } from "../records.ts";

/** A resource in `cdh.toml` that a guest fetches to start. */
export interface GuestNeed {
  /** The kind: `image policy`, `registry credentials`. */
  readonly what: string;
  /** The setting in `cdh.toml`: `image.registry_configuration_uri`, `credentials[0].resource_uri`. */
  readonly setting: string;
  readonly uri: string;
  /** The place in the KBS; absent if it is not in the KBS, or the URI is invalid. */
  readonly place?: Resource;
  /** Why the guest cannot fetch it from anywhere. Follows the URI in a sentence. */
  readonly flaw?: string;
}

type Table = Readonly<Record<string, unknown>>;

/** `secret/key`; with the repository if that is not the default one. */
export function placeName({ repository, secret, key }: Resource): string {
  return `${repository === DEFAULT_REPOSITORY ? "" : `${repository}/`}${secret}/${key}`;
}

/**
 * The target of a URI: `kbs:///<repository>/<secret>/<key>`, whose host is ignored, or `kbs+<plugin>` for
 * another plugin of the KBS.
 * @see
 *   https://github.com/confidential-containers/guest-components/blob/main/attestation-agent/deps/resource_uri/src/lib.rs
 */
function kbsPlace(uri: string): Pick<GuestNeed, "place" | "flaw"> {
  if (!URL.canParse(uri)) return { flaw: "is not a URI" };
  const { protocol, pathname } = new URL(uri);
  if (protocol.startsWith("kbs+")) return {};
  if (protocol !== "kbs:")
    return { flaw: `has the scheme ${protocol.slice(0, -1)}, which no guest supports` };
  const [repository = "", secret = "", key = "", ...more] = pathname.slice(1).split("/");
  return repository === "" || secret === "" || key === "" || more.length > 0
    ? { flaw: "is not of the form kbs:///<repository>/<secret>/<key>" }
    : { place: { repository, secret, key } };
}

/**
 * The same for image pull settings. These may also name a file in the guest's image: `file://`, or a path.
 * @see https://github.com/confidential-containers/guest-components/blob/main/image-rs/src/resource/mod.rs
 */
function imagePlace(uri: string): Pick<GuestNeed, "place" | "flaw"> {
  if (uri === "" || /^kbs:/i.test(uri) || uri.includes("://")) {
    return /^file:\/\//i.test(uri) ? {} : kbsPlace(uri);
  }
  return {};
}

function imageNeed(what: string, setting: string, uri: unknown): readonly GuestNeed[] {
  return typeof uri === "string" ? [{ what, setting, uri, ...imagePlace(uri) }] : [];
}

/** The requirements of an image policy: the default ones, and those of each transport's scopes. */
function requirements(policy: unknown): readonly unknown[] {
  if (!isRecord(policy)) return [];
  const transports = own(policy, "transports");
  const scopes = isRecord(transports) ? Object.values(transports).filter(isRecord) : [];
  return [own(policy, "default"), ...scopes.flatMap((scope) => Object.values(scope))].flat();
}

/** The needs of an image policy inside `cdh.toml`: the public keys in its `keyPath`s. */
function inlinePolicyNeeds(text: string): readonly GuestNeed[] {
  const setting = "image.image_security_policy";
  const policy = parseJson(text);
  if (!isRecord(policy)) {
    return [{ what: "image policy", setting, uri: text, flaw: "is not an image policy in JSON" }];
  }
  const keys = requirements(policy).flatMap((one) => (isRecord(one) ? [own(one, "keyPath")] : []));
  return [...new Set(keys)].flatMap((uri) => imageNeed("key of the image policy", setting, uri));
}

/** @see https://github.com/confidential-containers/guest-components/blob/main/image-rs/src/builder.rs */
function imageNeeds(image: Table): readonly GuestNeed[] {
  const inline = own(image, "image_security_policy");
  const policyUri = own(image, "image_security_policy_uri");
  // A registry configuration in the file overrides its URI.
  const hasRegistries = own(image, "registry_config") !== undefined;
  const named = (what: string, field: string): readonly GuestNeed[] =>
    imageNeed(what, `image.${field}`, own(image, field));
  return [
    ...(policyUri === undefined && typeof inline === "string"
      ? inlinePolicyNeeds(inline)
      : named("image policy", "image_security_policy_uri")),
    ...named("registry credentials", "authenticated_registry_credentials_uri"),
    ...(hasRegistries ? [] : named("registry configuration", "registry_configuration_uri")),
    ...named("sigstore configuration", "sigstore_config_uri"),
  ];
}

/** `[[credentials]]`: the data hub writes them to files before it serves any request. */
function credentialNeeds(credentials: unknown): readonly GuestNeed[] {
  return (Array.isArray(credentials) ? credentials : []).flatMap((one: unknown, index) => {
    const uri = isRecord(one) ? own(one, "resource_uri") : undefined;
    const setting = `credentials[${index}].resource_uri`;
    if (typeof uri !== "string") return [{ what: "credential", setting, uri: "", flaw: "is missing" }];
    return [{ what: "credential", setting, uri, ...kbsPlace(uri) }];
  });
}

/**
 * Everything that a guest fetches from the KBS to start, by its `cdh.toml`. Files in the guest's image are
 * left out.
 * @see
 *   https://github.com/confidential-containers/guest-components/blob/main/confidential-data-hub/hub/src/config/mod.rs
 */
export function guestNeeds(hub: Table): readonly GuestNeed[] {
  const [kbc, image] = [own(hub, "kbc"), own(hub, "image")];
  // With this setting, a guest has its resources in its image and uses no KBS.
  if (isRecord(kbc) && own(kbc, "name") === "offline_fs_kbc") return [];
  const needs = [...(isRecord(image) ? imageNeeds(image) : []), ...credentialNeeds(own(hub, "credentials"))];
  return needs.filter(({ place, flaw }) => place !== undefined || flaw !== undefined);
}

/** The need of a generated document: its image policy, if any. */
export function imagePolicyNeed(uri: string | undefined): readonly GuestNeed[] {
  return guestNeeds({ image: { image_security_policy_uri: uri } });
}

/** The known Secrets of a KBS. */
export interface ServedSecrets {
  readonly registered: ReadonlySet<string>;
  /** Registered Secrets that do not exist. @default none */
  readonly missing?: ReadonlySet<string> | undefined;
  /** Secret -> its keys, if they can be read. @default none */
  readonly keys?: Readonly<Record<string, readonly string[]>> | undefined;
}

/** Why a guest does not get a resource that it needs to start. */
export type NeedFlaw =
  /** The URI is invalid. `words` follow it in a sentence. */
  | { readonly kind: "uri"; readonly words: string }
  | { readonly kind: "unregistered" | "missing" | "denied" }
  | { readonly kind: "no key"; readonly keys: readonly string[] };

/**
 * The first problem that a guest's request meets.
 * @param allows whether the resource policy allows this guest; `undefined`: unknown
 */
export function needFlaw(
  { place, flaw }: GuestNeed,
  { registered, missing, keys: keysOf }: ServedSecrets,
  allows: (place: Resource) => boolean | undefined,
): NeedFlaw | undefined {
  if (flaw !== undefined) return { kind: "uri", words: flaw };
  if (place === undefined) return undefined;
  const { repository, secret, key } = place;
  // No operator serves other repositories, so nothing is known about them.
  if (repository === DEFAULT_REPOSITORY) {
    if (!registered.has(secret)) return { kind: "unregistered" };
    if (missing?.has(secret) === true) return { kind: "missing" };
    const keys = own(keysOf, secret);
    if (keys?.includes(key) === false) return { kind: "no key", keys };
  }
  return allows(place) === false ? { kind: "denied" } : undefined;
}
