import { randomInt } from "node:crypto";
import { z } from "zod";
import { markSecret, unknown } from "../protocol/index.ts";
import { NO_DRIFT, type ResourceType } from "./resource.ts";

const inputs = z.object({
  /** Characters. */
  length: z.number().int().min(16).max(65_536),
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

/**
 * A random value that is made once and kept in the state, encrypted: 62 characters, so nearly 6 bits each. It is in no
 * cluster, so it cannot drift; another length, or a replacement that is asked for (`--replace`), makes another one.
 */
export const generatedValue: ResourceType<Inputs, Computed> = {
  inputs,
  computed,
  replaceOn: ["length"],
  derived: [],
  drifts: false,
  id: ({ length }) => `generated/${length}`,
  create: ({ length }, { preview }) =>
    Promise.resolve({ value: preview ? markSecret(unknown) : markSecret(generate(length)) }),
  read: (_, { value }) => Promise.resolve({ computed: { value: markSecret(value) }, drift: NO_DRIFT }),
  update: (_, { computed: { value } }) => Promise.resolve({ value: markSecret(value) }),
  delete: () => Promise.resolve(),
};
