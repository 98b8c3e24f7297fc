import { createServer, type Server } from "node:net";

async function listen(): Promise<Server> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  return server;
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("a TCP server has no port");
  return address.port;
}

/** Free TCP ports of 127.0.0.1, one for each name; all different. */
export async function freePorts<Name extends string>(names: readonly Name[]): Promise<Record<Name, number>> {
  const servers = await Promise.all(names.map(async (name) => [name, await listen()] as const));
  const ports = Object.fromEntries(servers.map(([name, server]) => [name, portOf(server)]));
  await Promise.all(
    servers.map(
      async ([, server]) =>
        new Promise<void>((resolve) => {
          server.close(() => {
            resolve();
          });
        }),
    ),
  );
  return ports as Record<Name, number>;
}
