import { randomInt } from "node:crypto";
import { z } from "zod";
import { markSecret, unknown, type PropertyValue } from "./protocol/index.ts";
import { NO_DRIFT, type ResourceType } from "./resource.ts";

const inputs = z.object({
  /** The number of characters. */
  length: z.number().int().min(16).max(65_536),
  /** True if the value is no secret. */
  open: z.boolean().optional(),
});
type Inputs = z.output<typeof inputs>;

const computed = z.object({
  /** Letters and digits; a secret. */
  value: z.string(),
});
type Computed = z.output<typeof computed>;

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

function generate(length: number): string {
  return Array.from({ length }, () => ALPHABET[randomInt(ALPHABET.length)]).join("");
}

function kept(value: PropertyValue, open = false): PropertyValue {
  return open ? value : markSecret(value);
}

/**
 * A random value, created once and kept in the state, encrypted: 62 characters, so nearly 6 bits each. It is
 * in no cluster, so it cannot drift. Another length or `--replace` creates another value.
 */
export const generatedValue: ResourceType<Inputs, Computed> = {
  inputs,
  computed,
  replaceOn: ["length"],
  derived: [],
  drifts: false,
  id: ({ length }) => `generated/${length}`,
  create: ({ length, open }, { preview }) =>
    Promise.resolve({ value: kept(preview ? unknown : generate(length), open) }),
  read: ({ open }, { value }) => Promise.resolve({ computed: { value: kept(value, open) }, drift: NO_DRIFT }),
  update: ({ open }, { computed: { value } }) => Promise.resolve({ value: kept(value, open) }),
  delete: () => Promise.resolve(),
};
