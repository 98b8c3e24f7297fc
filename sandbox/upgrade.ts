import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { clusterCertificates } from "./control-plane/certificates.ts";
import { Rest } from "./control-plane/rest.ts";
import { layout } from "./pulumi/environment.ts";
import { killProcess, restartProcess } from "./sandbox-processes.ts";
import { sandboxFolder } from "./state/folders.ts";
import { readRunState, runningState, writeRunState } from "./state/run-state.ts";
import { readStandinConfiguration } from "./trustee/standin/configuration.ts";
import { upgraded, upgradeTrustee } from "./trustee/upgrade.ts";

const STANDINS = "standins";
const PATIENCE = 120_000;

/**
 * Upgrades the Trustee of a running sandbox from 0.18 to 0.21. Its stacks and pods stay.
 * @param configMaps what happens to policy and reference values; ignored with Red Hat's operator, which
 * migrates them
 * @throws Error if it does not run, or runs 0.21 already
 */
export async function upgradeSandbox(
  name: string,
  configMaps: "converted" | "stock" = "converted",
): Promise<void> {
  const folder = sandboxFolder(name);
  const state = runningState(name);
  if (state.trustee === "0.21") throw new Error(`The sandbox "${name}" runs with Trustee 0.21 already.`);
  const { certificates } = layout(folder);
  const { ca, admin } = clusterCertificates(certificates);
  const standins = join(folder, "standins.json");
  const rest = new Rest(state.ports["apiServer"] ?? 0, ca, admin);
  try {
    await killProcess(name, STANDINS);
    await upgradeTrustee(rest, {
      configMaps: state.operator === "red-hat" ? "migrated" : configMaps,
      certificate: join(certificates, "trustee.crt"),
      key: join(certificates, "trustee.key"),
    });
    const configuration = {
      ...readStandinConfiguration(standins),
      generation: "0.21",
      resourcePath: "array",
    };
    await writeFile(standins, `${JSON.stringify(configuration, null, 2)}\n`);
    await restartProcess(name, STANDINS);
    const restarted = readRunState(folder) ?? state;
    writeRunState(folder, { ...restarted, trustee: "0.21", resourcePath: "array" });
    await upgraded(rest, PATIENCE);
  } finally {
    rest.close();
  }
}
