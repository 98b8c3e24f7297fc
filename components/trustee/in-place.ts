import * as pulumi from "@pulumi/pulumi";

/**
 * The options of an edit of an object that others share, if it has to be made anew. The engine would create the new one first, and
 * so beside the old one, which has the same marks: deleting that would take away what both have written.
 */
export function inPlace(opts: pulumi.CustomResourceOptions | undefined): pulumi.CustomResourceOptions {
  return pulumi.mergeOptions(opts, { deleteBeforeReplace: true });
}
