import {
  etcdRelease,
  kubernetesPluginRelease,
  kubernetesRelease,
  kwokRelease,
  opaRelease,
  pulumiRelease,
  type ReleaseFor,
} from "./releases.ts";

/** A program that the sandbox runs, and how to recognise an installed one. */
export interface Tool {
  /** Its name on PATH and in the sandbox's `bin` folder. */
  readonly name: string;
  /** The Go package to build. */
  readonly package: string;
  /** The arguments that print its version; empty if there are none. Pulumi plugins report it over gRPC. */
  readonly versionArguments: readonly string[] | "plugin";
  /** The oldest supported version, as [major, minor]. */
  readonly atLeast: readonly [number, number];
  /** Programs that must come from one release and one folder share this name. */
  readonly family: string;
  /** The version that is downloaded. */
  readonly release: ReleaseFor;
}

/** The source of a tool: the user's option, pulumi's plugin folder, PATH, its release, or `go build`. */
export type ToolOrigin = "option" | "pulumi" | "PATH" | "release" | "build";

/** An available tool. */
export interface ProvidedTool {
  readonly file: string;
  readonly from: ToolOrigin;
}

/** A Go module under sandbox/tools whose go.mod and go.sum pin the tools built from it. */
export interface ToolModule {
  readonly name: "cluster" | "opa" | "pulumi" | "language-nodejs";
  /** Linker flags; they set the same version as in a release. */
  readonly linkerFlags: string;
  /** Compiler flags for all packages. */
  readonly gcflags: string;
  readonly tools: readonly Tool[];
  /** Build time of all tools on two cores, with downloads; for the notice. */
  readonly minutes: number;
}

/** Debugging information takes a sixth of the compile time, and the linker drops it anyway. */
const NO_DWARF = "all=-dwarf=false";

const KUBERNETES_VERSION = "v1.33.13";
const ETCD_VERSION = "v3.5.21";
/**
 * For the download. go.mod pins v0.7.0, which builds together with the other tools but has no published
 * checksums.
 */
const KWOK_VERSION = "v0.8.0";
const OPA_VERSION = "v1.22.2";
const PULUMI_VERSION = "3.259.0";

/** The version of the SDK that this project depends on. It requests the plugin of the same version. */
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

/** All tools of the sandbox, in build order. */
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
