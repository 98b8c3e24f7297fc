import * as pulumi from "@pulumi/pulumi";

/** `organization/project/stack`, the name of the stack's lines in shared objects. */
export function stackName(): string {
  return `${pulumi.getOrganization()}/${pulumi.getProject()}/${pulumi.getStack()}`;
}
