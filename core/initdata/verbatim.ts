import TOML from "@iarna/toml";
import { digestAlgorithms, type DigestAlgorithm } from "../digest.ts";
import { given, type Issues } from "../issues.ts";
import { otherBlocks } from "../pem.ts";
import { isRecord, messageOf, own } from "../records.ts";
import { INITDATA_VERSION } from "./initdata.ts";

/** A KBS as one of the guest's files names it. */
export interface InitdataEndpoint {
  /** `cdh.toml`: where secrets come from; `aa.toml`: where tokens do. */
  readonly file: "cdh.toml" | "aa.toml";
  readonly url: string;
  /** What the guest trusts, PEM. Absent: its own trust store decides. */
  readonly certificate?: string;
}

/** What an initdata document says of itself, as far as it can be read. */
export interface InitdataFacts {
  readonly algorithm: DigestAlgorithm;
  /** The KBS that the guest is to ask, once where its files agree. */
  readonly endpoints: readonly InitdataEndpoint[];
  /** Where the guest gets its image security policy (`cdh.toml`, `image.image_security_policy_uri`). */
  readonly imagePolicyUri?: string;
  /** The agent policy (`policy.rego`). */
  readonly agentPolicy?: string;
}

type Table = Readonly<Record<string, unknown>>;

/** A string at a path of tables. */
function textAt(table: Table, ...path: readonly string[]): string | undefined {
  const value = path.reduce<unknown>((at, name) => (isRecord(at) ? own(at, name) : undefined), table);
  return typeof value === "string" ? value : undefined;
}

function parseTable(toml: string): Table {
  try {
    return TOML.parse(toml);
  } catch {
    return {};
  }
}

function endpointsOf(hub: Table, agent: Table): readonly InitdataEndpoint[] {
  const named = [
    { file: "cdh.toml", url: textAt(hub, "kbc", "url"), certificate: textAt(hub, "kbc", "kbs_cert") },
    {
      file: "aa.toml",
      url: textAt(agent, "token_configs", "kbs", "url"),
      certificate: textAt(agent, "token_configs", "kbs", "cert"),
    },
  ] as const;
  const found = named.flatMap(({ file, url, certificate }): readonly InitdataEndpoint[] =>
    url === undefined ? [] : [{ file, url, ...(certificate === undefined ? {} : { certificate }) }],
  );
  const same = ({ url, certificate = "" }: InitdataEndpoint): string =>
    JSON.stringify([url, certificate.trim()]);
  return found.filter((one, index) => found.findIndex((other) => same(other) === same(one)) === index);
}

/** A private key in any of the texts, and whatever else is beside the certificates of a KBS. */
function checkKeys(
  texts: readonly string[],
  endpoints: readonly InitdataEndpoint[],
  path: string,
  issues: Issues,
): void {
  const keys = texts.flatMap(otherBlocks).filter((kind) => kind.includes("PRIVATE KEY"));
  const others = endpoints.flatMap(({ certificate = "" }) => otherBlocks(certificate));
  const kinds = [...new Set([...keys, ...others])];
  if (kinds.length === 0) return;
  issues.add({
    path,
    given: `a file that holds more than certificates: ${kinds.join(", ")}`,
    allowed: "certificates and public keys, since initdata is for everybody to read",
    mend: "Take it out of the file; a private key is a secret of Trustee's.",
  });
}

/**
 * Reads what an existing initdata file says of itself. Its bytes are taken as they are; only the algorithm is needed
 * to know how it is bound. What a guest would refuse becomes an issue.
 * @returns with the algorithm `sha256` where it cannot be read, with an issue
 */
export function inspectInitdata(toml: string, path: string, issues: Issues): InitdataFacts {
  const fallback: DigestAlgorithm = "sha256";
  let document: Table;
  try {
    document = TOML.parse(toml);
  } catch (error) {
    const [reason = ""] = messageOf(error).split("\n");
    issues.add({
      path,
      given: `a file that is not TOML: ${reason}`,
      allowed: "an initdata document",
      mend: "Correct the file.",
    });
    return { algorithm: fallback, endpoints: [] };
  }
  const { algorithm, version, data } = document;
  if (version !== INITDATA_VERSION) {
    issues.add({
      path,
      given: `version = ${given(version)}`,
      allowed: `version = "${INITDATA_VERSION}"`,
      mend: "Set the version that the guest components read.",
    });
  }
  if (!isRecord(data) || !Object.values(data).every((value) => typeof value === "string")) {
    issues.add({
      path,
      given: "no [data] table of strings",
      allowed: "[data] with a string for each file of the guest",
      mend: "Add the table.",
    });
  }
  const known = digestAlgorithms.find((one) => one === algorithm);
  if (known === undefined) {
    issues.add({
      path,
      given: `algorithm = ${given(algorithm)}`,
      allowed: digestAlgorithms.join(", "),
      mend: "Name one of these.",
    });
  }
  const hub = parseTable(textAt(document, "data", "cdh.toml") ?? "");
  const agent = parseTable(textAt(document, "data", "aa.toml") ?? "");
  const imagePolicyUri = textAt(hub, "image", "image_security_policy_uri");
  const agentPolicy = textAt(document, "data", "policy.rego");
  const endpoints = endpointsOf(hub, agent);
  const texts = isRecord(data) ? Object.values(data).filter((value) => typeof value === "string") : [];
  checkKeys([toml, ...texts], endpoints, path, issues);
  return {
    algorithm: known ?? fallback,
    endpoints,
    ...(imagePolicyUri === undefined ? {} : { imagePolicyUri }),
    ...(agentPolicy === undefined ? {} : { agentPolicy }),
  };
}
