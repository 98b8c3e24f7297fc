import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";

/** A certificate and its key: two PEM files. */
export interface CertificateFiles {
  readonly certificate: string;
  readonly key: string;
}

const DAYS = "3650";

const server = "extendedKeyUsage = serverAuth";
const client = "extendedKeyUsage = clientAuth";
const both = "extendedKeyUsage = serverAuth,clientAuth";

async function newKey(file: string): Promise<void> {
  await execa("openssl", [
    "genpkey",
    "-algorithm",
    "EC",
    "-pkeyopt",
    "ec_paramgen_curve:P-256",
    "-out",
    file,
  ]);
}

function filesOf(folder: string, name: string): CertificateFiles {
  return { certificate: join(folder, `${name}.crt`), key: join(folder, `${name}.key`) };
}

interface SelfSignedOptions {
  /** For example "/CN=trustee". */
  readonly subject: string;
  /** X.509v3 extensions in openssl's syntax, for example "subjectAltName = DNS:host". */
  readonly extensions: readonly string[];
}

/**
 * Creates a self-signed certificate with exactly these extensions. openssl's own configuration is not used.
 */
export async function selfSigned(
  folder: string,
  name: string,
  options: SelfSignedOptions,
): Promise<CertificateFiles> {
  const files = filesOf(folder, name);
  const configuration = join(folder, `${name}.cnf`);
  const sections = ["[req]", "distinguished_name = dn", "[dn]", "[extensions]", ...options.extensions];
  await Promise.all([newKey(files.key), writeFile(configuration, `${sections.join("\n")}\n`)]);
  await execa("openssl", [
    ...["req", "-x509", "-new", "-sha256", "-days", DAYS, "-key", files.key, "-out", files.certificate],
    ...["-subj", options.subject, "-config", configuration, "-extensions", "extensions"],
  ]);
  return files;
}

/** The KBS's certificate. It is not a CA, because real guests reject a CA as a server certificate. */
export async function makeTrusteeCertificate(
  folder: string,
  hosts: readonly string[],
): Promise<CertificateFiles> {
  return selfSigned(folder, "trustee", {
    subject: "/CN=kbs-trustee-operator-system",
    extensions: [
      "basicConstraints = critical,CA:FALSE",
      "keyUsage = critical,digitalSignature",
      server,
      `subjectAltName = ${hosts.map((host) => `DNS:${host}`).join(",")}`,
    ],
  });
}

async function signed(
  folder: string,
  name: string,
  ca: CertificateFiles,
  options: SelfSignedOptions,
): Promise<void> {
  const files = filesOf(folder, name);
  const [request, extensions] = [join(folder, `${name}.csr`), join(folder, `${name}.ext`)];
  await Promise.all([newKey(files.key), writeFile(extensions, `${options.extensions.join("\n")}\n`)]);
  await execa("openssl", ["req", "-new", "-key", files.key, "-out", request, "-subj", options.subject]);
  await execa("openssl", [
    ...["x509", "-req", "-sha256", "-days", DAYS, "-in", request, "-CA", ca.certificate, "-CAkey", ca.key],
    ...["-set_serial", `0x${Buffer.from(name).toString("hex")}`],
    ...["-extfile", extensions, "-out", files.certificate],
  ]);
}

export interface ClusterCertificates {
  readonly ca: CertificateFiles;
  readonly apiServer: CertificateFiles;
  /** For etcd as server, and for the API server as its only client. */
  readonly etcd: CertificateFiles;
  /** For the sandbox's kubelet. */
  readonly kubelet: CertificateFiles;
  /** For a client in group system:masters. */
  readonly admin: CertificateFiles;
  /** For the API server as client of the kubelet. */
  readonly kubeletClient: CertificateFiles;
  /** Signs service account tokens. */
  readonly serviceAccount: { readonly privateKey: string; readonly publicKey: string };
}

/** The files that {@link makeClusterCertificates} creates in `folder`. */
export function clusterCertificates(folder: string): ClusterCertificates {
  return {
    ca: filesOf(folder, "ca"),
    apiServer: filesOf(folder, "apiserver"),
    etcd: filesOf(folder, "etcd"),
    kubelet: filesOf(folder, "kubelet"),
    admin: filesOf(folder, "admin"),
    kubeletClient: filesOf(folder, "kubelet-client"),
    serviceAccount: { privateKey: join(folder, "sa.key"), publicKey: join(folder, "sa.pub") },
  };
}

/** Creates the certificates of a control plane on 127.0.0.1, with the openssl program. */
export async function makeClusterCertificates(folder: string): Promise<ClusterCertificates> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const files = clusterCertificates(folder);
  const { ca } = files;
  await selfSigned(folder, "ca", {
    subject: "/CN=trustee-access-sandbox-ca",
    extensions: [
      "basicConstraints = critical,CA:TRUE",
      "keyUsage = critical,keyCertSign,cRLSign",
      "subjectKeyIdentifier = hash",
    ],
  });
  const local = "IP:127.0.0.1,DNS:localhost";
  const apiServerNames = `${local},IP:10.0.0.1,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc`;
  await Promise.all([
    signed(folder, "apiserver", ca, {
      subject: "/CN=kube-apiserver",
      extensions: [server, `subjectAltName = ${apiServerNames}`],
    }),
    signed(folder, "etcd", ca, {
      subject: "/CN=etcd",
      extensions: [both, `subjectAltName = ${local}`],
    }),
    signed(folder, "kubelet", ca, {
      subject: "/CN=kubelet",
      extensions: [server, `subjectAltName = ${local}`],
    }),
    signed(folder, "admin", ca, { subject: "/O=system:masters/CN=kubernetes-admin", extensions: [client] }),
    signed(folder, "kubelet-client", ca, {
      subject: "/CN=kube-apiserver-kubelet-client",
      extensions: [client],
    }),
    makeServiceAccountKeys(files.serviceAccount),
  ]);
  return files;
}

async function makeServiceAccountKeys(files: ClusterCertificates["serviceAccount"]): Promise<void> {
  await newKey(files.privateKey);
  await execa("openssl", ["pkey", "-in", files.privateKey, "-pubout", "-out", files.publicKey]);
}
