import { execa, ExecaError } from "execa";
import { z } from "zod";
import { allowedReasons, deniedReasons } from "../core/access/model.ts";

const stackOutputsSchema = z.object({
  access: z.record(z.string(), z.record(z.string(), z.enum([...allowedReasons, ...deniedReasons]))),
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

/** One cell of a stack's access matrix, as the stack says it should be. */
export interface ExpectedCell {
  readonly pod: string;
  readonly namespace: string;
  readonly secret: string;
  readonly key: string;
  readonly allowed: boolean;
}

/** The cells of a stack's access matrix, pod by pod. */
export function expectedCells(stack: StackOutputs): readonly ExpectedCell[] {
  return Object.entries(stack.access).flatMap(([pod, row]) =>
    Object.entries(row).map(([path, why]) => {
      const [secret = "", key = ""] = path.split("/");
      const namespace = stack.pods[pod]?.namespace ?? "default";
      return { pod, namespace, secret, key, allowed: allowedReasons.some((reason) => reason === why) };
    }),
  );
}
