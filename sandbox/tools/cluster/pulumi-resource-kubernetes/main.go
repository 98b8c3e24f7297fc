// Command pulumi-resource-kubernetes is Pulumi's Kubernetes provider without its schema.
//
// The provider's own main package embeds two generated files that its Go module does not
// contain. They hold the schema, which Pulumi's Node SDK never asks for.
package main

import (
	"github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/provider"
	"github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/version"
)

func main() {
	provider.Serve("kubernetes", version.Version, nil, nil)
}
