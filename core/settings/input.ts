import type { z } from "zod";
import type { sections } from "./schema.ts";

/** The settings as a typed program writes them. Every section is optional. */
export type SettingsInput = {
  readonly [Name in keyof typeof sections]?: z.input<(typeof sections)[Name]>;
};
