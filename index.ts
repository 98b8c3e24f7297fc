import { declareStack } from "./components/declare-stack.ts";

export default declareStack;
