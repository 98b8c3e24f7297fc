import * as pulumi from "@pulumi/pulumi";

/** `organization/project/stack`: under this name a stack's lines stand in what it shares with others. */
export function stackName(): string {
  return `${pulumi.getOrganization()}/${pulumi.getProject()}/${pulumi.getStack()}`;
}
