import TOML from "@iarna/toml";
import { digestAlgorithms, type DigestAlgorithm } from "../digest.ts";
import { given, type Issues } from "../issues.ts";
import { otherBlocks } from "../pem.ts";
import { isRecord, messageOf } from "../records.ts";
import { readGuestFiles, textAt, type GuestFiles, type InitdataEndpoint } from "./guest-files.ts";
import { INITDATA_VERSION } from "./initdata.ts";
import type { Table } from "./toml-parts.ts";

/** The readable facts in an initdata document. */
export interface InitdataFacts extends GuestFiles {
  readonly algorithm: DigestAlgorithm;
  /** The agent policy (`policy.rego`). */
  readonly agentPolicy?: string;
}

/** Rejects private keys in any text, and anything else next to a KBS's certificates. */
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
    code: "TA703",
    path,
    given: `a file that holds more than certificates: ${kinds.join(", ")}`,
    allowed: "certificates and public keys, since initdata is public",
    fix: "Remove it from the file. A private key belongs in a Trustee secret.",
  });
}

/**
 * Reads an existing initdata file. Its bytes are used as they are; the algorithm decides how they are bound.
 * Anything that a guest would reject becomes an issue.
 * @returns the facts. If the algorithm cannot be read, it is `sha256`, with an issue.
 */
export function inspectInitdata(toml: string, path: string, issues: Issues): InitdataFacts {
  const fallback: DigestAlgorithm = "sha256";
  let document: Table;
  try {
    document = TOML.parse(toml);
  } catch (error) {
    const [reason = ""] = messageOf(error).split("\n");
    issues.add({
      code: "TA702",
      path,
      given: `a file that is not TOML: ${reason}`,
      allowed: "an initdata document",
      fix: "Correct the file.",
    });
    return { algorithm: fallback, endpoints: [], needs: [], flaws: [] };
  }
  const { algorithm, version, data } = document;
  if (version !== INITDATA_VERSION) {
    issues.add({
      code: "TA702",
      path,
      given: `version = ${given(version)}`,
      allowed: `version = "${INITDATA_VERSION}"`,
      fix: "Set the version that the guest components read.",
    });
  }
  if (!isRecord(data) || !Object.values(data).every((value) => typeof value === "string")) {
    issues.add({
      code: "TA702",
      path,
      given: "no [data] table of strings",
      allowed: "[data] with a string for each file of the guest",
      fix: "Add the table.",
    });
  }
  const known = digestAlgorithms.find((one) => one === algorithm);
  if (known === undefined) {
    issues.add({
      code: "TA702",
      path,
      given: `algorithm = ${given(algorithm)}`,
      allowed: digestAlgorithms.join(", "),
      fix: "Name one of these.",
    });
  }
  const files = readGuestFiles(document);
  const agentPolicy = textAt(document, "data", "policy.rego");
  const texts = isRecord(data) ? Object.values(data).filter((value) => typeof value === "string") : [];
  checkKeys([toml, ...texts], files.endpoints, path, issues);
  return {
    algorithm: known ?? fallback,
    ...files,
    ...(agentPolicy === undefined ? {} : { agentPolicy }),
  };
}
