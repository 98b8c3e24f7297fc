import { toolCache } from "../../sandbox/state/folders.ts";
import { planTools, provideTools } from "../../sandbox/tools/resolve.ts";

/** The path of one of the sandbox's programs; built if it is nowhere to be found. */
export async function toolPath(name: string): Promise<string> {
  const cache = toolCache();
  const tools = await provideTools(await planTools(cache, process.env["PATH"] ?? ""), cache, () => undefined);
  const file = tools.get(name);
  if (file === undefined) throw new Error(`the sandbox provides no ${name}`);
  return file;
}
