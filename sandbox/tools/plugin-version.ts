import { once } from "node:events";
import { createInterface } from "node:readline";
import { spawn } from "node:child_process";
import { credentials, Metadata } from "@grpc/grpc-js";
import emptypb from "google-protobuf/google/protobuf/empty_pb.js";
import { ResourceProviderClient } from "@pulumi/pulumi/proto/provider_grpc_pb.js";

/** Timeout for the start of a plugin, and for its answer. Milliseconds. */
const PATIENCE = 15_000;

/** Starts a Pulumi plugin and asks for its version; undefined if it does not answer. */
export async function askPluginVersion(file: string): Promise<string | undefined> {
  const signal = AbortSignal.timeout(PATIENCE);
  // Without an engine's address, a plugin prints its port and waits for an engine to attach.
  const plugin = spawn(file, [], { stdio: ["ignore", "pipe", "ignore"] });
  const ended = once(plugin, "close").catch(() => undefined);
  try {
    const lines = createInterface({ input: plugin.stdout });
    const first: unknown[] = await Promise.race([
      once(lines, "line", { signal }),
      once(plugin, "error").then(() => []),
      once(lines, "close").then(() => []),
    ]);
    const port = Number(first[0]);
    return Number.isInteger(port) && port > 0 ? await versionAt(port) : undefined;
  } catch {
    return undefined;
  } finally {
    plugin.kill("SIGKILL");
    await ended;
  }
}

async function versionAt(port: number): Promise<string | undefined> {
  const client = new ResourceProviderClient(`127.0.0.1:${port}`, credentials.createInsecure());
  try {
    return await new Promise((resolve) => {
      client.getPluginInfo(
        new emptypb.Empty(),
        new Metadata(),
        { deadline: Date.now() + PATIENCE },
        (error, info) => {
          const version = error === null ? info.getVersion().replace(/^v/, "") : "";
          resolve(version === "" ? undefined : version);
        },
      );
    });
  } finally {
    client.close();
  }
}
