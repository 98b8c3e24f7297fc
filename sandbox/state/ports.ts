import { randomInt } from "node:crypto";
import { createServer } from "node:net";

/** Below what operating systems hand out for outgoing connections, so that no such connection takes a chosen port. */
const [LOWEST, HIGHEST] = [20_000, 30_000];

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  const listening = await new Promise<boolean>((resolve) => {
    server.once("error", () => {
      resolve(false);
    });
    server.listen(port, "127.0.0.1", () => {
      resolve(true);
    });
  });
  if (listening) await new Promise((resolve) => server.close(resolve));
  return listening;
}

/** Free TCP ports of 127.0.0.1, one for each name; all different. */
export async function freePorts<Name extends string>(names: readonly Name[]): Promise<Record<Name, number>> {
  const ports = new Set<number>();
  for (let tries = 0; ports.size < names.length; tries += 1) {
    if (tries > 1000) throw new Error(`no free ports between ${LOWEST} and ${HIGHEST} on 127.0.0.1`);
    const port = randomInt(LOWEST, HIGHEST);
    if (!ports.has(port) && (await isFree(port))) ports.add(port);
  }
  const chosen = [...ports];
  return Object.fromEntries(names.map((name, index) => [name, chosen[index]])) as Record<Name, number>;
}
