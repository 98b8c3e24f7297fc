import { setTimeout as sleep } from "node:timers/promises";
import { changes, detailedDiff } from "../../../provider/protocol/diff.ts";
import { unknown } from "../../../provider/protocol/property-value.ts";
import type { CallContext, Provider } from "../../../provider/protocol/provider.ts";

/** Waits until the signal fires, then rejects with its reason. */
async function untilAborted({ signal }: CallContext): Promise<never> {
  await sleep(60_000, undefined, { signal }).catch(() => undefined);
  signal.throwIfAborted();
  throw new Error("nothing aborted this call");
}

/** The name of a resource, by which tests choose its behavior. */
export const nameOf = ({ urn }: { readonly urn: string }): string => urn.split("::").at(-1) ?? "";

/** Some resources are named after their behavior; all others keep their declaration. */
export const scripted: Provider = {
  checkConfig: ({ newInputs }) => Promise.resolve({ inputs: newInputs }),

  diffConfig: ({ oldInputs, newInputs }) => Promise.resolve(detailedDiff(changes(oldInputs, newInputs))),

  configure(args) {
    return args["url"] === "bad" ? Promise.reject(new Error("bad url")) : Promise.resolve();
  },

  check({ urn, oldInputs, newInputs }) {
    if (nameOf({ urn }) === "wrong") {
      const failures = [
        { property: "size", reason: "too large" },
        { property: "tags[0]", reason: "empty" },
      ];
      return Promise.resolve({ inputs: newInputs, failures });
    }
    return Promise.resolve({ inputs: { ...newInputs, old: oldInputs } });
  },

  diff({ oldInputs, newInputs }) {
    const found = changes(oldInputs, newInputs);
    return Promise.resolve(detailedDiff(found, (change) => change.path[0] === "name"));
  },

  async create({ urn, inputs, preview }, context) {
    switch (nameOf({ urn })) {
      case "throws":
        throw new Error("the disk is full");
      case "throws-many":
        throw new AggregateError([new Error("first"), new Error("second")], "both failed");
      case "aborted":
        return await untilAborted(context);
      case "chatty":
        context.log.status("thinking");
        context.log.info("i");
        context.log.warn("w");
        break;
    }
    return {
      id: preview ? "" : "i-1",
      outputs: { ...inputs, address: preview ? unknown : "10.0.0.1" },
      refreshBeforeUpdate: true,
    };
  },

  read({ id, inputs, outputs }) {
    if (id === "gone") return Promise.resolve(undefined);
    return Promise.resolve({ id, inputs, outputs: { ...outputs, seen: true }, refreshBeforeUpdate: true });
  },

  update({ newInputs, oldOutputs, preview }) {
    return Promise.resolve({ outputs: { newInputs, oldOutputs, preview }, refreshBeforeUpdate: true });
  },

  async delete({ urn }, context) {
    if (nameOf({ urn }) === "aborted") await untilAborted(context);
  },

  invoke({ token, args }) {
    return Promise.resolve({ token, args });
  },
};
