import type { ClusterCertificates } from "./certificates.ts";

/** The ports of a sandbox, all on 127.0.0.1. */
export const portNames = ["etcd", "etcdPeer", "apiServer", "kwok", "kubelet"] as const;
export type Ports = Record<(typeof portNames)[number], number>;

interface ControlPlaneFiles {
  readonly certificates: ClusterCertificates;
  readonly kubeconfig: string;
  readonly etcdData: string;
  readonly kwokConfiguration: string;
}

export interface Program {
  readonly tool: string;
  readonly arguments: readonly string[];
}

function flags(values: Readonly<Record<string, string | number | boolean>>): readonly string[] {
  return Object.entries(values).map(([name, value]) => `--${name}=${value}`);
}

const controllers = [
  "clusterrole-aggregation-controller",
  "deployment-controller",
  "disruption-controller",
  "endpoints-controller",
  "endpointslice-controller",
  "garbage-collector-controller",
  "job-controller",
  "namespace-controller",
  "pod-garbage-collector-controller",
  "replicaset-controller",
  "root-ca-certificate-publisher-controller",
  "serviceaccount-controller",
  "serviceaccount-token-controller",
  "statefulset-controller",
] as const;

/**
 * etcd requires a client certificate. A client with write access controls the whole cluster, and can run curl
 * as this user.
 */
function etcd({ certificates, etcdData }: ControlPlaneFiles, ports: Ports): Program {
  const [client, peer] = [`https://127.0.0.1:${ports.etcd}`, `https://127.0.0.1:${ports.etcdPeer}`];
  const { certificate, key } = certificates.etcd;
  const ca = certificates.ca.certificate;
  return {
    tool: "etcd",
    arguments: flags({
      name: "sandbox",
      "data-dir": etcdData,
      "listen-client-urls": client,
      "advertise-client-urls": client,
      "listen-peer-urls": peer,
      "initial-advertise-peer-urls": peer,
      "initial-cluster": `sandbox=${peer}`,
      "cert-file": certificate,
      "key-file": key,
      "trusted-ca-file": ca,
      "client-cert-auth": true,
      "peer-cert-file": certificate,
      "peer-key-file": key,
      "peer-trusted-ca-file": ca,
      "peer-client-cert-auth": true,
      "unsafe-no-fsync": true,
      "log-level": "warn",
    }),
  };
}

function apiServer({ certificates }: ControlPlaneFiles, ports: Ports): Program {
  return {
    tool: "kube-apiserver",
    arguments: flags({
      "etcd-servers": `https://127.0.0.1:${ports.etcd}`,
      "etcd-cafile": certificates.ca.certificate,
      "etcd-certfile": certificates.etcd.certificate,
      "etcd-keyfile": certificates.etcd.key,
      "bind-address": "127.0.0.1",
      "advertise-address": "127.0.0.1",
      "secure-port": ports.apiServer,
      "endpoint-reconciler-type": "none",
      "tls-cert-file": certificates.apiServer.certificate,
      "tls-private-key-file": certificates.apiServer.key,
      "client-ca-file": certificates.ca.certificate,
      "authorization-mode": "RBAC",
      "anonymous-auth": false,
      "service-account-issuer": "https://kubernetes.default.svc.cluster.local",
      "service-account-key-file": certificates.serviceAccount.publicKey,
      "service-account-signing-key-file": certificates.serviceAccount.privateKey,
      "service-cluster-ip-range": "10.0.0.0/24",
      // No node lifecycle controller runs here to remove the taint of a new node.
      "disable-admission-plugins": "TaintNodesByCondition",
      "kubelet-certificate-authority": certificates.ca.certificate,
      "kubelet-client-certificate": certificates.kubeletClient.certificate,
      "kubelet-client-key": certificates.kubeletClient.key,
      "kubelet-preferred-address-types": "InternalIP",
      "enable-priority-and-fairness": false,
      profiling: false,
    }),
  };
}

function controllerManager({ certificates, kubeconfig }: ControlPlaneFiles): Program {
  return {
    tool: "kube-controller-manager",
    arguments: flags({
      kubeconfig,
      "authentication-skip-lookup": true,
      controllers: controllers.join(","),
      "leader-elect": false,
      "root-ca-file": certificates.ca.certificate,
      "secure-port": 0,
      "service-account-private-key-file": certificates.serviceAccount.privateKey,
      "kube-api-burst": 200,
      "kube-api-qps": 100,
      profiling: false,
    }),
  };
}

function scheduler({ kubeconfig }: ControlPlaneFiles): Program {
  return {
    tool: "kube-scheduler",
    arguments: flags({
      kubeconfig,
      "authentication-skip-lookup": true,
      "leader-elect": false,
      "secure-port": 0,
      profiling: false,
    }),
  };
}

function kwok({ certificates, kubeconfig, kwokConfiguration }: ControlPlaneFiles, ports: Ports): Program {
  return {
    tool: "kwok",
    arguments: flags({
      kubeconfig,
      config: kwokConfiguration,
      "manage-all-nodes": true,
      cidr: "10.244.0.0/16",
      "node-ip": "127.0.0.1",
      // The node's kubelet is the stand-in, which decides on exec requests and forwards them to kwok's
      // server.
      "node-port": ports.kubelet,
      "server-address": `127.0.0.1:${ports.kwok}`,
      "tls-cert-file": certificates.kubelet.certificate,
      "tls-private-key-file": certificates.kubelet.key,
    }),
  };
}

/** etcd and the API server, in start order. */
export function controlPlanePrograms(files: ControlPlaneFiles, ports: Ports): readonly Program[] {
  return [etcd(files, ports), apiServer(files, ports)];
}

/**
 * The programs to start once the API server is ready. They exit if it does not answer within about ten
 * seconds.
 */
export function controllerPrograms(files: ControlPlaneFiles, ports: Ports): readonly Program[] {
  return [controllerManager(files), scheduler(files), kwok(files, ports)];
}
