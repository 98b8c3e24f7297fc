import { delimiter, join } from "node:path";
import { repositoryFolder } from "../state/folders.ts";

/** Protects nothing but the sandbox's demo values. */
const PASSPHRASE = "trustee-access-sandbox";

/** Where things are in a sandbox's folder. */
export function layout(folder: string): {
  readonly bin: string;
  readonly certificates: string;
  readonly kubeconfig: string;
  readonly logs: string;
  readonly pulumiHome: string;
  readonly pulumiState: string;
} {
  return {
    bin: join(folder, "bin"),
    certificates: join(folder, "certificates"),
    kubeconfig: join(folder, "kubeconfig"),
    logs: join(folder, "logs"),
    pulumiHome: join(folder, "pulumi", "home"),
    pulumiState: join(folder, "pulumi", "state"),
  };
}

/** Variables to set; PATH is always among them. */
export interface Environment extends Readonly<Record<string, string>> {
  readonly PATH: string;
}

/**
 * The environment in which `pulumi` and `kubectl` work against the sandbox in `folder`.
 * @param path the PATH that it is put in front of; may be empty
 */
export function environment(folder: string, path: string): Environment {
  const { bin, kubeconfig, pulumiHome, pulumiState } = layout(folder);
  const ours = [join(repositoryFolder, "node_modules", ".bin"), bin];
  const others = path.split(delimiter).filter((entry) => entry !== "" && !ours.includes(entry));
  return {
    KUBECONFIG: kubeconfig,
    PATH: [...ours, ...others].join(delimiter),
    PULUMI_HOME: pulumiHome,
    // A run killed while it writes would leave an empty sidecar file of metadata, without which Pulumi cannot read the state.
    PULUMI_BACKEND_URL: `file://${pulumiState}?metadata=skip`,
    PULUMI_CONFIG_PASSPHRASE: PASSPHRASE,
    PULUMI_SKIP_UPDATE_CHECK: "true",
    PULUMI_AUTOMATION_API_SKIP_VERSION_CHECK: "true",
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
    // Else a Kubernetes plugin on PATH would go before the one that the sandbox has.
    PULUMI_IGNORE_AMBIENT_PLUGINS: "true",
    TRUSTEE_ACCESS_SANDBOX: folder,
  };
}

/** A word of a POSIX shell. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
