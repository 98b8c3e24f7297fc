import { readConfiguration } from "./components/configuration.ts";
import { declareConfiguration } from "./components/declare.ts";
import { program } from "./components/program.ts";

// Reads the stack's configuration (docs/settings.md), declares one component, and returns the outputs
// (docs/outputs.md).
export default program(async () => {
  const { outputs } = await declareConfiguration("access", readConfiguration());
  return outputs;
});
