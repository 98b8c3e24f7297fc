import { declareStack } from "./components/declare.ts";

// Declares the stack's configuration (docs/settings.md), and returns its outputs (docs/outputs.md).
export default declareStack;
