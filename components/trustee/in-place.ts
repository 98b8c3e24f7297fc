import * as pulumi from "@pulumi/pulumi";

/**
 * Replaces an edit of a shared object by delete, then create. Creating first would leave two owners with the
 * same mark, and the delete would then remove what both have written.
 */
export function inPlace(opts: pulumi.CustomResourceOptions | undefined): pulumi.CustomResourceOptions {
  return pulumi.mergeOptions(opts, { deleteBeforeReplace: true });
}
