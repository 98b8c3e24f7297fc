import { allowedReasons } from "../../core/access/model.ts";
import type { Binding } from "../../core/initdata/binding.ts";
import type { StackOutputs } from "../../core/plan/outputs.ts";
import { ANY_TEE, listGrants } from "../../core/policy/grants.ts";
import { defined, own } from "../../core/records.ts";
import type { StackFacts } from "./facts.ts";
import { bindingOf } from "./pod-claims.ts";

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
