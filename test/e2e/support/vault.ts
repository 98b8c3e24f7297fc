import { pbkdf2Sync } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

const CIPHERTEXT = "vault:v1:test";

/** In a stack's settings, in place of `encryptionsalt`. */
export const vaultSettings = { secretsprovider: "hashivault://test", encryptedkey: btoa(CIPHERTEXT) };

let started: Promise<void> | undefined;

/**
 * Serves the tests' stacks their data key as a Vault does, in this process. With a passphrase, each command of pulumi
 * derives the key again, which takes two thirds of its processor time (a million rounds of SHA-256). It is the same key,
 * so encrypted values stay as they are.
 * @param salt an `encryptionsalt`
 */
export async function serveVault(passphrase: string, salt: string): Promise<void> {
  started ??= serve(
    pbkdf2Sync(passphrase, Buffer.from(salt.split(":")[1] ?? "", "base64"), 1_000_000, 32, "sha256"),
  );
  return started;
}

async function serve(key: Buffer): Promise<void> {
  const server = createServer((_, response) => {
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ data: { ciphertext: CIPHERTEXT, plaintext: key.toString("base64") } }));
  });
  server.listen(0, "127.0.0.1").unref();
  await once(server, "listening");
  process.env["VAULT_ADDR"] = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
