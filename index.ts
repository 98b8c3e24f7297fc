import { declareStack } from "./components/declare.ts";

// Declares what the stack's configuration says: docs/settings.md. What it returns are the stack's outputs: docs/outputs.md.
export default declareStack;
