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

/**
 * The environment in which `pulumi` and `kubectl` work against the sandbox in `folder`.
 * @param path the PATH that it is put in front of
 */
export function environment(folder: string, path: string): Readonly<Record<string, string>> {
  const { bin, kubeconfig, pulumiHome, pulumiState } = layout(folder);
  return {
    KUBECONFIG: kubeconfig,
    PATH: [join(repositoryFolder, "node_modules", ".bin"), bin, ...without(path, [bin])].join(delimiter),
    PULUMI_HOME: pulumiHome,
    PULUMI_BACKEND_URL: `file://${pulumiState}`,
    PULUMI_CONFIG_PASSPHRASE: PASSPHRASE,
    PULUMI_SKIP_UPDATE_CHECK: "true",
    PULUMI_AUTOMATION_API_SKIP_VERSION_CHECK: "true",
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
    TRUSTEE_ACCESS_SANDBOX: folder,
  };
}

/** So that evaluating the exports twice does not make PATH longer. */
function without(path: string, folders: readonly string[]): readonly string[] {
  const ours = [...folders, join(repositoryFolder, "node_modules", ".bin")];
  return path.split(delimiter).filter((entry) => !ours.includes(entry));
}
