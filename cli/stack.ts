import { execa, ExecaError } from "execa";
import { z } from "zod";

const stackOutputsSchema = z.object({
  access: z.array(
    z.object({
      pod: z.string(),
      namespace: z.string(),
      secret: z.string(),
      key: z.string(),
      allowed: z.boolean(),
      why: z.string(),
    }),
  ),
  initData: z.record(z.string(), z.string()),
  pods: z.record(z.string(), z.object({ namespace: z.string(), container: z.string() })),
  podCluster: z.object({ kubeconfig: z.string().optional(), context: z.string().optional() }),
});

/** The outputs of a stack of this project, as far as the commands beside pulumi need them. */
export type StackOutputs = z.infer<typeof stackOutputsSchema>;

/** The stack cannot be read; the message says what to do. */
export class StackError extends Error {
  override readonly name = "StackError";
}

/**
 * Reads the outputs of the selected stack, or of `stack`, through the pulumi CLI: so every backend works.
 * @throws StackError
 */
export async function readStack(stack?: string): Promise<StackOutputs> {
  const selected = stack === undefined ? [] : ["--stack", stack];
  const text = await execa("pulumi", ["stack", "output", "--json", "--non-interactive", ...selected]).then(
    ({ stdout }) => stdout,
    (error: unknown) => {
      if (error instanceof ExecaError && error.code === "ENOENT") {
        throw new StackError(
          "There is no pulumi on PATH. Install the Pulumi CLI, or eval the sandbox's environment.",
        );
      }
      const detail = error instanceof ExecaError ? String(error.stderr).trim() : String(error);
      throw new StackError(`The stack cannot be read: ${detail}`);
    },
  );
  const parsed = stackOutputsSchema.safeParse(JSON.parse(text));
  if (parsed.success) return parsed.data;
  throw new StackError("The stack has no access matrix among its outputs: run pulumi up first.");
}
