/** The resources and functions of the local provider `trustee`. */
export * from "./get-trustee.ts";
export * from "./provider.ts";
export * from "./resources.ts";
