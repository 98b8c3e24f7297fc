import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { connect, createServer } from "node:tls";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import { endpointFlaws } from "../../core/preflight/endpoint.ts";
import {
  makeClusterCertificates,
  makeTrusteeCertificate,
  type CertificateFiles,
} from "../../sandbox/control-plane/certificates.ts";
import { sharedFolder } from "../support/folders.ts";

const folder = sharedFolder();

const read = (file: string): string => readFileSync(file, "utf8");

/** True if Node (OpenSSL) accepts a server with this certificate and CA. */
async function serves({ certificate, key }: CertificateFiles, ca: string, host: string): Promise<boolean> {
  const server = createServer({ cert: read(certificate), key: read(key) }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const socket = connect({ port, host: "127.0.0.1", servername: host, ca: read(ca) });
  await once(socket, "secureConnect");
  const { authorized } = socket;
  socket.destroy();
  server.close();
  return authorized;
}

test("a real guest accepts the KBS's certificate for each of its hosts", async () => {
  const hosts = ["kbs.example.com", "kbs-service"];
  const files = await makeTrusteeCertificate(folder, hosts);
  const certificate = read(files.certificate);
  for (const host of hosts) {
    expect(endpointFlaws({ url: `https://${host}`, certificate, served: certificate }, new Date())).toEqual(
      [],
    );
    expect(await serves(files, files.certificate, host)).toBe(true);
  }
  expect(endpointFlaws({ url: "https://elsewhere", certificate }, new Date())).toMatchObject([
    { kind: "host" },
  ]);
});

test("the control plane's certificates are valid with their CA", async () => {
  const { ca, apiServer, kubelet, etcd } = await makeClusterCertificates(join(folder, "cluster"));
  expect(new X509Certificate(read(ca.certificate)).ca).toBe(true);
  for (const files of [apiServer, kubelet, etcd]) {
    expect(await serves(files, ca.certificate, "localhost")).toBe(true);
  }
});
