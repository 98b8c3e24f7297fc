/** What the KBS answers over HTTP. */
export interface Answer {
  readonly status: number;
  /** The resource as its reader sees it after decryption, or the error's JSON. */
  readonly body: Buffer;
}

/** An error of the KBS: by its name, its words for the client, and Rust's debug form of it for the log. */
export interface KbsProblem {
  readonly name: string;
  readonly detail: string;
  readonly debug: string;
}

const ERRORS = "https://github.com/confidential-containers/kbs/errors";

/** Whatever is wrong, the KBS answers 401. */
export function errorAnswer({ name, detail }: KbsProblem): Answer {
  return { status: 401, body: Buffer.from(JSON.stringify({ type: `${ERRORS}/${name}`, detail })) };
}

/** How many bytes an answer has on its way: a resource goes encrypted, as a JWE. */
export function sizeOf({ status, body }: Answer): number {
  return status === 200 ? 499 + Math.ceil((body.length * 4) / 3) : body.length;
}

export const policyDeny: KbsProblem = {
  name: "PolicyDeny",
  detail: "Access denied by policy",
  debug: "PolicyDeny",
};

export const tokenNotFound: KbsProblem = {
  name: "TokenNotFound",
  detail: "Attestation Token not found",
  debug: "TokenNotFound",
};

/** @param cause as anyhow's debug form has it */
export function attestationError(cause: string): KbsProblem {
  return {
    name: "AttestationError",
    detail: "Attestation error: RCAR handshake Attest failed",
    debug: `AttestationError(RcarAttestFailed { source: verify TEE evidence failed\n\nCaused by:\n${cause} })`,
  };
}

/** @param cause as Rust's debug form has it */
export function pluginInternalError(cause: string): KbsProblem {
  return {
    name: "PluginInternalError",
    detail: "Plugin internal error",
    debug: `PluginInternalError { source: ${cause} }`,
  };
}
