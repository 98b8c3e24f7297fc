/** A provider plugin for the tests of `serve`. Its resources are named after their behavior. */
import { setTimeout as sleep } from "node:timers/promises";
import { serve } from "../../../provider/protocol/serve.ts";
import { nameOf, scripted } from "./scripted-provider.ts";

await serve(
  {
    ...scripted,
    async create(request, context) {
      console.log("noise on the console");
      switch (nameOf(request)) {
        case "throws-elsewhere":
          setTimeout(() => {
            throw new Error("boom");
          }, 10);
          return await new Promise(() => undefined);
        case "rejects-elsewhere":
          void Promise.reject(new Error("bang"));
          return await new Promise(() => undefined);
        case "waits":
          context.log.status("waiting");
          await sleep(60_000, undefined, { signal: context.signal });
          throw new Error("waited too long");
        default:
          return { id: String(process.pid), outputs: request.inputs, refreshBeforeUpdate: false };
      }
    },
  },
  { name: "fixture", version: "1.2.3" },
);
