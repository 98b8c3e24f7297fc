import { z } from "zod";
import { parseJson } from "../records.ts";

const outputSchema = z.object({
  result: z.array(z.object({ expressions: z.array(z.object({ value: z.unknown() })) })).default([]),
  errors: z
    .array(
      z.object({
        message: z.string(),
        code: z.string().default(""),
        location: z.object({ row: z.number(), col: z.number() }).optional(),
        // OPA 1.22 has it; the query is the file "".
        stack_trace: z
          .array(z.object({ location: z.object({ file: z.string(), row: z.number() }) }))
          .catch([]),
      }),
    )
    .default([]),
});

/** An error of `opa eval`. Rows and columns count from 1. */
export type OpaError = z.infer<typeof outputSchema>["errors"][number];

/** What `opa eval --format=json` prints for one query. */
export interface OpaOutput {
  readonly value: unknown;
  readonly errors: readonly OpaError[];
}

/** @returns `undefined` for another output */
export function parseOpaOutput(stdout: string): OpaOutput | undefined {
  const { data } = outputSchema.safeParse(parseJson(stdout));
  return data && { value: data.result[0]?.expressions[0]?.value, errors: data.errors };
}
