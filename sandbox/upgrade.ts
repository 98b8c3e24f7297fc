import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { clusterCertificates } from "./control-plane/certificates.ts";
import { Rest } from "./control-plane/rest.ts";
import { layout } from "./pulumi/environment.ts";
import { killProcess, restartProcess } from "./sandbox-processes.ts";
import { sandboxFolder } from "./state/folders.ts";
import { conditionOf, readRunState, writeRunState } from "./state/run-state.ts";
import { readStandinConfiguration, type StandinConfiguration } from "./trustee/standin/configuration.ts";
import { upgraded, upgradeTrustee } from "./trustee/upgrade.ts";

const STANDINS = "standins";
const PATIENCE = 120_000;

/**
 * Upgrades the Trustee of a sandbox that runs from 0.18 to 0.21, with its stacks and pods as they are.
 * @param configMaps what becomes of policy and reference values; Red Hat's operator decides by itself
 * @throws Error if it does not run, or is of 0.21 already
 */
export async function upgradeSandbox(
  name: string,
  configMaps: "converted" | "stock" = "converted",
): Promise<void> {
  const folder = sandboxFolder(name);
  const state = readRunState(folder);
  if (state === undefined || conditionOf(state) !== "running") {
    throw new Error(`The sandbox "${name}" does not run. Start it: npm run sandbox -- up --name ${name}`);
  }
  if (state.trustee === "0.21") throw new Error(`The sandbox "${name}" runs with Trustee 0.21 already.`);
  const { certificates } = layout(folder);
  const { ca, admin } = clusterCertificates(certificates);
  const rest = new Rest(state.ports["apiServer"] ?? 0, ca, admin);
  try {
    await killProcess(name, STANDINS);
    await upgradeTrustee(rest, {
      configMaps: state.operator === "red-hat" ? "migrated" : configMaps,
      certificate: join(certificates, "trustee.crt"),
      key: join(certificates, "trustee.key"),
    });
    await configureStandins(folder, { generation: "0.21", resourcePath: "array" });
    await restartProcess(name, STANDINS);
    const restarted = readRunState(folder) ?? state;
    writeRunState(folder, { ...restarted, trustee: "0.21", resourcePath: "array" });
    await upgraded(rest, PATIENCE);
  } finally {
    rest.close();
  }
}

async function configureStandins(folder: string, change: Partial<StandinConfiguration>): Promise<void> {
  const file = join(folder, "standins.json");
  const configuration = { ...readStandinConfiguration(file), ...change };
  await writeFile(file, `${JSON.stringify(configuration, null, 2)}\n`);
}
