import type { z } from "zod";
import type { sections } from "./schema.ts";

/** The settings as a program writes them, typed: every section may be left out. */
export type SettingsInput = {
  readonly [Name in keyof typeof sections]?: z.input<(typeof sections)[Name]>;
};
