import { execa } from "execa";
import { allowedReasons } from "../../core/access/model.ts";
import type { StackFacts } from "../audit/facts.ts";
import { bindingOf } from "../audit/pod-claims.ts";
import type { Binding } from "../../core/initdata/binding.ts";
import { defined, own, parseJson } from "../../core/records.ts";
import { ANY_TEE, listGrants } from "../../core/policy/grants.ts";
import { stackOutputs, type StackOutputs } from "../../core/outputs.ts";
import { UserError } from "../../core/user-error.ts";

/** @param code of execa's result. @throws UserError if there is no pulumi */
export function needPulumi(code: string | undefined): void {
  if (code !== "ENOENT") return;
  throw new UserError(
    "TA953",
    "pulumi is not on PATH. Install the Pulumi CLI, or eval the sandbox's environment.",
  );
}

/**
 * Reads the outputs of the selected stack, or of `stack`, through the pulumi CLI: so every backend works.
 * @throws UserError
 */
export async function readStack(stack?: string): Promise<StackOutputs> {
  const selected = stack === undefined ? [] : ["--stack", stack];
  const { stdout, stderr, exitCode, code } = await execa(
    "pulumi",
    ["stack", "output", "--json", "--non-interactive", ...selected],
    { reject: false },
  );
  needPulumi(code);
  if (exitCode !== 0) {
    throw new UserError(
      "TA954",
      `The stack cannot be read: ${stderr.trim()}\nSelect a stack with --stack, and sign in to its backend: pulumi login.`,
    );
  }
  const outputs = parseJson(stdout);
  if (outputs === undefined) {
    throw new UserError(
      "TA954",
      "The stack cannot be read: pulumi stack output --json did not print JSON. Run it to see why.",
    );
  }
  return parseOutputs(outputs, "run pulumi up first");
}

/**
 * A stack's outputs, deployed or previewed.
 * @param fix what to do if they are not this program's
 * @throws UserError
 */
export function parseOutputs(outputs: unknown, fix: string): StackOutputs {
  const parsed = stackOutputs.safeParse(outputs);
  if (parsed.success) return parsed.data;
  const missing = parsed.error.issues.map(({ path }) => path.join(".")).join(", ");
  throw new UserError("TA954", `The stack lacks outputs of this program (${missing}): ${fix}.`);
}

/** One cell of a stack's access matrix: the expected access. */
export interface ExpectedCell {
  /** Its name in grants. */
  readonly reader: string;
  readonly pod: string;
  readonly namespace: string;
  /** For kubectl, e.g. `deployment/web`; absent: a reader outside of this stack's cluster. */
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
    const target = declared && `${declared.kind.toLowerCase()}/${pod}`;
    const deployed = declared?.deployed ?? false;
    return Object.entries(row).map(([path, why]) => {
      const [secret = "", key = ""] = path.split("/");
      const allowed = allowedReasons.some((reason) => reason === why);
      const namespace = declared?.namespace ?? "";
      return { reader, pod, namespace, ...defined({ target }), deployed, secret, key, allowed };
    });
  });
}

/** The namespaces that a stack's pods are in, sorted. */
export function podNamespaces(stack: Pick<StackOutputs, "pods">): readonly string[] {
  return [...new Set(Object.values(stack.pods).map(({ namespace }) => namespace))].sort();
}

/** Pod or reader -> its binding: from the outputs, else from the claim of its initdata, else from its grants. */
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

/** What `lint` and `explain` take from a stack. */
export function stackFacts(stack: StackOutputs): StackFacts {
  return {
    claims: stack.initData,
    bindings: bindingsOf(stack),
    entries: Object.keys(stack.referenceValuesExpire),
  };
}

/** A pod of a stack, or the controller that makes its pods. */
export interface DeclaredPod {
  /** Its name in grants and outputs. */
  readonly id: string;
  readonly kind: StackOutputs["pods"][string]["kind"];
  readonly namespace: string;
  readonly name: string;
}

/** The pods of a stack with this `namespace/name` or name. */
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
