/** An HTTP response of the KBS. */
export interface Answer {
  readonly status: number;
  /** The decrypted resource, or the error as JSON. */
  readonly body: Buffer;
}

/** An error of the KBS: its name, its text for the client, and its Rust debug form for the log. */
export interface KbsProblem {
  readonly name: string;
  readonly detail: string;
  readonly debug: string;
}

const ERRORS = "https://github.com/confidential-containers/kbs/errors";

/** The KBS answers every error with status 401. */
export function errorAnswer({ name, detail }: KbsProblem): Answer {
  return { status: 401, body: Buffer.from(JSON.stringify({ type: `${ERRORS}/${name}`, detail })) };
}

/** The size of a response in bytes. A resource is sent encrypted, as a JWE. */
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

/** @param cause in anyhow's debug form */
export function attestationError(cause: string): KbsProblem {
  return {
    name: "AttestationError",
    detail: "Attestation error: RCAR handshake Attest failed",
    debug: `AttestationError(RcarAttestFailed { source: verify TEE evidence failed\n\nCaused by:\n${cause} })`,
  };
}

/** @param cause in Rust's debug form */
export function pluginInternalError(cause: string): KbsProblem {
  return {
    name: "PluginInternalError",
    detail: "Plugin internal error",
    debug: `PluginInternalError { source: ${cause} }`,
  };
}
