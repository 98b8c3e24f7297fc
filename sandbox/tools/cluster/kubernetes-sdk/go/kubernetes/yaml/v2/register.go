// Package v2 refuses the resources of YAML components, see package kubernetes.
package v2

import (
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// RegisterResource always fails.
func RegisterResource(_ *pulumi.Context, apiVersion, kind, name string, _ pulumi.Input,
	_ ...pulumi.ResourceOption,
) (pulumi.CustomResource, error) {
	return nil, fmt.Errorf("%s %s %q: the sandbox's build of this plugin has no YAML and Helm components",
		apiVersion, kind, name)
}
