import { execa, ExecaError } from "execa";
import { allowedReasons } from "../../core/access/model.ts";
import type { StackFacts } from "../audit/facts.ts";
import { bindingOf } from "../audit/pod-claims.ts";
import type { Binding } from "../../core/initdata/binding.ts";
import { own } from "../../core/records.ts";
import { ANY_TEE, listGrants } from "../../core/policy/grants.ts";
import { stackOutputs, type StackOutputs } from "../../core/outputs.ts";

/** The stack cannot be read; the message says what to do. */
export class StackError extends Error {
  override readonly name = "StackError";
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new StackError("The stack cannot be read: pulumi stack output --json did not print JSON.");
  }
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
  return parseOutputs(parseJson(text), "run pulumi up first");
}

/**
 * A stack's outputs, deployed or previewed.
 * @param fix what to do where they are not this program's
 * @throws StackError
 */
export function parseOutputs(outputs: unknown, fix: string): StackOutputs {
  const parsed = stackOutputs.safeParse(outputs);
  if (parsed.success) return parsed.data;
  throw new StackError(
    `The stack has not all the outputs of this program (${parsed.error.issues.map(({ path }) => path.join(".")).join(", ")}): ${fix}.`,
  );
}

/** One cell of a stack's access matrix, as the stack says it should be. */
export interface ExpectedCell {
  /** As grants know it. */
  readonly reader: string;
  readonly pod: string;
  readonly namespace: string;
  /** What kubectl is to be told, e.g. `deployment/web`; absent: a reader that is not of this stack's cluster. */
  readonly target?: string;
  /** Whether this stack deploys it. */
  readonly deployed: boolean;
  readonly secret: string;
  readonly key: string;
  readonly allowed: boolean;
}

/** The cells of a stack's access matrix, pod by pod. */
export function expectedCells(stack: StackOutputs): readonly ExpectedCell[] {
  return Object.entries(stack.access).flatMap(([reader, row]) => {
    const declared = own(stack.pods, reader);
    const pod = declared?.name ?? reader;
    const target = declared === undefined ? {} : { target: `${declared.kind.toLowerCase()}/${pod}` };
    const deployed = declared?.deployed ?? false;
    return Object.entries(row).map(([path, why]) => {
      const [secret = "", key = ""] = path.split("/");
      const allowed = allowedReasons.some((reason) => reason === why);
      const namespace = declared?.namespace ?? "";
      return { reader, pod, namespace, ...target, deployed, secret, key, allowed };
    });
  });
}

/** The namespaces that a stack's pods are in, sorted. */
export function podNamespaces(stack: Pick<StackOutputs, "pods">): readonly string[] {
  return [...new Set(Object.values(stack.pods).map(({ namespace }) => namespace))].sort();
}

/**
 * Pod or reader -> how its TEE binds its initdata; where the stack does not put it out, by the claim that its initdata comes to, or by
 * what it is granted.
 */
export function bindingsOf(stack: StackOutputs): Readonly<Record<string, Binding>> {
  const granted = listGrants(stack.grants.secrets).flatMap(({ reader, binding }) =>
    binding === ANY_TEE ? [] : [[reader, binding] as const],
  );
  const found = Object.entries(stack.annotations).flatMap(([pod, annotation]) => {
    const claim = own(stack.initData, pod) ?? "";
    const binding = own(stack.pods, pod)?.binding ?? bindingOf(annotation, claim);
    return binding === undefined ? [] : [[pod, binding] as const];
  });
  return Object.fromEntries([...granted, ...found]);
}

/** What a stack knows of its own, by which a live Trustee is judged. */
export function stackFacts(stack: StackOutputs): StackFacts {
  return {
    claims: stack.initData,
    bindings: bindingsOf(stack),
    entries: Object.keys(stack.referenceValuesExpire),
  };
}

/** A pod of a stack, or the controller that makes its pods. */
export interface DeclaredPod {
  /** As grants and outputs know it. */
  readonly id: string;
  readonly kind: StackOutputs["pods"][string]["kind"];
  readonly namespace: string;
  readonly name: string;
}

/** The pods of a stack that a person means by `namespace/name`, or by the name alone, wherever they are. */
export function declaredPods(stack: Pick<StackOutputs, "pods">, reference: string): readonly DeclaredPod[] {
  const pods = Object.entries(stack.pods).map(([id, { name = id, namespace, kind }]) => ({
    id,
    kind,
    namespace,
    name,
  }));
  const exact = pods.filter(({ id, namespace, name }) => [id, `${namespace}/${name}`].includes(reference));
  return exact.length > 0 ? exact : pods.filter(({ name }) => name === reference);
}
