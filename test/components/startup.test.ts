import { execFileSync } from "node:child_process";
import { expect, it } from "vitest";

it("keeps plain stack traces when Pulumi's language host installs its source maps, as node_modules/@pulumi/pulumi/cmd/run/index.js does", () => {
  const program = `
    require("module").createRequire(require.resolve("@pulumi/pulumi"))("source-map-support/register");
    console.log(Error.prepareStackTrace, new Error("here").stack.split("\\n").length > 2);`;
  const args = ["--import", "./components/startup.ts", "--eval", program];
  expect(execFileSync(process.execPath, args, { encoding: "utf8" })).toBe("undefined true\n");
});
