import TOML from "@iarna/toml";
import { digestAlgorithms, type DigestAlgorithm } from "../digest.ts";
import { given, type Issues } from "../issues.ts";
import { INITDATA_VERSION } from "./initdata.ts";

/**
 * Reads what an existing initdata file says of itself. Its bytes are taken as they are; only the algorithm is needed
 * to know how it is bound. What a guest would refuse becomes an issue.
 * @returns the algorithm; `sha256` where it cannot be read, with an issue
 */
export function inspectInitdata(toml: string, path: string, issues: Issues): DigestAlgorithm {
  const fallback: DigestAlgorithm = "sha256";
  let document: Readonly<Record<string, unknown>>;
  try {
    document = TOML.parse(toml);
  } catch (error) {
    const [reason = ""] = (error instanceof Error ? error.message : String(error)).split("\n");
    issues.add({
      path,
      given: `a file that is not TOML: ${reason}`,
      allowed: "an initdata document",
      mend: "Correct the file.",
    });
    return fallback;
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
  if (
    typeof data !== "object" ||
    data === null ||
    !Object.values(data).every((value) => typeof value === "string")
  ) {
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
  return known ?? fallback;
}
