/** A program that the sandbox runs, and how it is recognised where it is already installed. */
export interface Tool {
  /** Its name on PATH and in the sandbox's own `bin` folder. */
  readonly name: string;
  /** The Go package that `go build` makes it from. */
  readonly package: string;
  /** The arguments that make it print its version. */
  readonly versionArguments: readonly string[];
  /** The oldest version that will do, as [major, minor]. */
  readonly atLeast: readonly [number, number];
  /** Programs that are only useful together (one release, side by side) share this name. */
  readonly family: string;
}

/** A Go module under sandbox/tools whose go.mod and go.sum pin the tools built from it. */
export interface ToolModule {
  readonly name: "pulumi" | "language-nodejs" | "etcd" | "kubernetes" | "opa";
  /** Linker flags that give the programs the version they would have in a release. */
  readonly linkerFlags: string;
  readonly tools: readonly Tool[];
  /** How long the first build takes on two cores, downloads included: for the notice beforehand. */
  readonly minutes: number;
}

const KUBERNETES_VERSION = "v1.37.2";
const componentBase = "k8s.io/component-base/version";

function kubernetesTool(name: string, family: string, oldest: readonly [number, number]): Tool {
  const versionArguments = name === "kubectl" ? ["version", "--client"] : ["--version"];
  return { name, family, package: `k8s.io/kubernetes/cmd/${name}`, versionArguments, atLeast: oldest };
}

/** Everything the sandbox needs, in the order in which it is built. */
export const toolModules: readonly ToolModule[] = [
  {
    name: "etcd",
    minutes: 0.5,
    linkerFlags: "-s -w",
    tools: [
      {
        name: "etcd",
        family: "etcd",
        package: "go.etcd.io/etcd/server/v3",
        versionArguments: ["--version"],
        atLeast: [3, 5],
      },
    ],
  },
  {
    name: "language-nodejs",
    minutes: 0.5,
    linkerFlags: "-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v3.259.0",
    tools: [
      {
        name: "pulumi-language-nodejs",
        family: "pulumi",
        package: "github.com/pulumi/pulumi/sdk/v3/nodejs/cmd/pulumi-language-nodejs",
        versionArguments: [],
        atLeast: [0, 0],
      },
    ],
  },
  {
    name: "opa",
    minutes: 1,
    linkerFlags: "-s -w",
    tools: [
      {
        name: "opa",
        family: "opa",
        package: "github.com/open-policy-agent/opa",
        versionArguments: ["version"],
        atLeast: [1, 0],
      },
    ],
  },
  {
    name: "pulumi",
    minutes: 4,
    linkerFlags: "-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v3.259.0",
    tools: [
      {
        name: "pulumi",
        family: "pulumi",
        package: "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
        versionArguments: ["version"],
        atLeast: [3, 200],
      },
    ],
  },
  {
    name: "kubernetes",
    minutes: 6,
    linkerFlags: [
      "-s -w",
      `-X ${componentBase}.gitVersion=${KUBERNETES_VERSION}`,
      `-X ${componentBase}.gitMajor=1`,
      `-X ${componentBase}.gitMinor=37`,
    ].join(" "),
    tools: [
      kubernetesTool("kube-apiserver", "kubernetes", [1, 30]),
      kubernetesTool("kube-controller-manager", "kubernetes", [1, 30]),
      kubernetesTool("kube-scheduler", "kubernetes", [1, 30]),
      kubernetesTool("kubectl", "kubectl", [1, 28]),
      {
        name: "kwok",
        family: "kwok",
        package: "sigs.k8s.io/kwok/cmd/kwok",
        versionArguments: ["--version"],
        atLeast: [0, 6],
      },
    ],
  },
];
