import {
  etcdRelease,
  kubernetesPluginRelease,
  kubernetesRelease,
  kwokRelease,
  opaRelease,
  pulumiRelease,
  type ReleaseFor,
} from "./releases.ts";

/** A program that the sandbox runs, and how it is recognised where it is already installed. */
export interface Tool {
  /** Its name on PATH and in the sandbox's own `bin` folder. */
  readonly name: string;
  /** The Go package that `go build` makes it from. */
  readonly package: string;
  /** The arguments that make it print its version, none where it cannot; Pulumi's plugins are asked by gRPC. */
  readonly versionArguments: readonly string[] | "plugin";
  /** The oldest version that will do, as [major, minor]. */
  readonly atLeast: readonly [number, number];
  /** Programs that are only useful together (one release, side by side) share this name. */
  readonly family: string;
  /** The version that is downloaded. */
  readonly release: ReleaseFor;
}

/** Where a tool comes from: an option of the user's, pulumi's own folder of plugins, PATH, its release, or `go build`. */
export type ToolOrigin = "option" | "pulumi" | "PATH" | "release" | "build";

/** A tool that is there. */
export interface ProvidedTool {
  readonly file: string;
  readonly from: ToolOrigin;
}

/** A Go module under sandbox/tools whose go.mod and go.sum pin the tools built from it. */
export interface ToolModule {
  readonly name: "cluster" | "opa" | "pulumi" | "language-nodejs";
  /** Linker flags that give the programs the version they would have in a release. */
  readonly linkerFlags: string;
  /** Compiler flags, for every package. */
  readonly gcflags: string;
  readonly tools: readonly Tool[];
  /** How long a build of all of them takes on two cores, downloads included: for the notice beforehand. */
  readonly minutes: number;
}

/** Debugging information is a sixth of the time that compiling takes, and the linker drops it anyway. */
const NO_DWARF = "all=-dwarf=false";

const KUBERNETES_VERSION = "v1.33.13";
const ETCD_VERSION = "v3.5.21";
/** The release's; v0.7.0 is what builds together with the rest, but nobody has published checksums of it. */
const KWOK_VERSION = "v0.8.0";
const OPA_VERSION = "v1.22.2";
const PULUMI_VERSION = "3.259.0";

/** Of the SDK that this project depends on, which asks for the plugin of the same version. */
export const KUBERNETES_PLUGIN_VERSION = "4.34.2";
export const KUBERNETES_PLUGIN = "pulumi-resource-kubernetes";

const componentBase = "k8s.io/component-base/version";
const pulumiVersion = `github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v${PULUMI_VERSION}`;

function kubernetesTool(name: string, family: string, oldest: readonly [number, number]): Tool {
  return {
    name,
    family,
    package: `k8s.io/kubernetes/cmd/${name}`,
    versionArguments: name === "kubectl" ? ["version", "--client"] : ["--version"],
    atLeast: oldest,
    release: kubernetesRelease(name, KUBERNETES_VERSION),
  };
}

/** Everything the sandbox needs, in the order in which it is built. */
export const toolModules: readonly ToolModule[] = [
  {
    name: "language-nodejs",
    minutes: 0.5,
    gcflags: NO_DWARF,
    linkerFlags: `-s -w -X ${pulumiVersion}`,
    tools: [
      {
        name: "pulumi-language-nodejs",
        family: "pulumi",
        package: "github.com/pulumi/pulumi/sdk/v3/nodejs/cmd/pulumi-language-nodejs",
        versionArguments: [],
        atLeast: [0, 0],
        release: pulumiRelease("pulumi-language-nodejs", PULUMI_VERSION),
      },
    ],
  },
  {
    name: "opa",
    minutes: 1,
    gcflags: NO_DWARF,
    linkerFlags: "-s -w",
    tools: [
      {
        name: "opa",
        family: "opa",
        package: "github.com/open-policy-agent/opa",
        versionArguments: ["version"],
        atLeast: [1, 0],
        release: opaRelease(OPA_VERSION),
      },
    ],
  },
  {
    name: "pulumi",
    minutes: 3,
    gcflags: NO_DWARF,
    linkerFlags: `-s -w -X ${pulumiVersion}`,
    tools: [
      {
        name: "pulumi",
        family: "pulumi",
        package: "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
        versionArguments: ["version"],
        atLeast: [3, 200],
        release: pulumiRelease("pulumi", PULUMI_VERSION),
      },
    ],
  },
  {
    name: "cluster",
    minutes: 9,
    gcflags: NO_DWARF,
    linkerFlags: [
      "-s -w",
      `-X ${componentBase}.gitVersion=${KUBERNETES_VERSION}`,
      `-X ${componentBase}.gitMajor=1`,
      `-X ${componentBase}.gitMinor=33`,
      `-X github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/version.Version=${KUBERNETES_PLUGIN_VERSION}`,
    ].join(" "),
    tools: [
      {
        name: "etcd",
        family: "etcd",
        package: "go.etcd.io/etcd/server/v3",
        versionArguments: ["--version"],
        atLeast: [3, 5],
        release: etcdRelease(ETCD_VERSION),
      },
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
        release: kwokRelease(KWOK_VERSION),
      },
      {
        name: KUBERNETES_PLUGIN,
        family: "kubernetes-plugin",
        package: `./${KUBERNETES_PLUGIN}`,
        versionArguments: "plugin",
        atLeast: [4, 34],
        release: kubernetesPluginRelease(KUBERNETES_PLUGIN, KUBERNETES_PLUGIN_VERSION),
      },
    ],
  },
];
