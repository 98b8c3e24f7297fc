import { killedInTheMiddle } from "./support/killed.ts";

killedInTheMiddle("0.21");
