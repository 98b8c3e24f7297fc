import { toolCache } from "../../sandbox/state/folders.ts";
import { planTools, provideTools } from "../../sandbox/tools/resolve.ts";

/** The path of one of the sandbox's tools. Downloads or builds it if necessary. */
export async function toolPath(name: string): Promise<string> {
  const surroundings = { cache: toolCache(), path: process.env["PATH"] ?? "" };
  const tools = await provideTools(await planTools(surroundings), surroundings, () => undefined);
  const file = tools.get(name)?.file;
  if (file === undefined) throw new Error(`the sandbox provides no ${name}`);
  return file;
}
