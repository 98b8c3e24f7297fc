// Package kubernetes stands in for Pulumi's generated Go SDK of Kubernetes, which is a third of what
// compiling the plugin takes. The plugin uses it for its YAML and Helm components alone, and these are
// what a plugin built with this module lacks; resources do not pass through it.
package kubernetes

import "reflect"

// UntypedArgs are the fields of an object whose kind has no type of its own.
type UntypedArgs map[string]any

func (UntypedArgs) ElementType() reflect.Type { return reflect.TypeFor[map[string]any]() }
