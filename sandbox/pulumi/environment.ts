import { delimiter, join } from "node:path";
import { repositoryFolder } from "../state/folders.ts";

/** Protects only the sandbox's demo values. */
const PASSPHRASE = "trustee-access-sandbox";

/** The paths in a sandbox's folder. */
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

/** Environment variables; always includes PATH. */
export interface Environment extends Readonly<Record<string, string>> {
  readonly PATH: string;
}

/**
 * The environment for `pulumi` and `kubectl` against the sandbox in `folder`.
 * @param path the PATH to prepend to; may be empty
 */
export function environment(folder: string, path: string): Environment {
  const { bin, kubeconfig, pulumiHome, pulumiState } = layout(folder);
  const ours = [join(repositoryFolder, "node_modules", ".bin"), bin];
  const others = path.split(delimiter).filter((entry) => entry !== "" && !ours.includes(entry));
  return {
    KUBECONFIG: kubeconfig,
    PATH: [...ours, ...others].join(delimiter),
    PULUMI_HOME: pulumiHome,
    // A run that is killed while writing would leave an empty metadata file, and Pulumi could not read the
    // state.
    PULUMI_BACKEND_URL: `file://${pulumiState}?metadata=skip`,
    PULUMI_CONFIG_PASSPHRASE: PASSPHRASE,
    PULUMI_SKIP_UPDATE_CHECK: "true",
    PULUMI_AUTOMATION_API_SKIP_VERSION_CHECK: "true",
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
    // Otherwise a Kubernetes plugin on PATH would take precedence over the sandbox's.
    PULUMI_IGNORE_AMBIENT_PLUGINS: "true",
    TRUSTEE_ACCESS_SANDBOX: folder,
  };
}

/** Quotes a text for a POSIX shell. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
