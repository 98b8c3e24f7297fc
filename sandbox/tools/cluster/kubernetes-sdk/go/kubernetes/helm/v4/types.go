// Package v4 has the types that the plugin's Helm component names, see package kubernetes.
package v4

import "github.com/pulumi/pulumi/sdk/v3/go/pulumi"

type (
	// RepositoryOptsInput is not resolved: charts are refused.
	RepositoryOptsInput = pulumi.Input
	// PostRendererInput is not resolved: charts are refused.
	PostRendererInput = pulumi.Input
)

// RepositoryOpts say where a chart comes from.
type RepositoryOpts struct {
	CaFile, CertFile, KeyFile pulumi.AssetOrArchive
	Password, Repo, Username  *string
}

// PostRenderer is a command that a chart's manifests pass through.
type PostRenderer struct {
	Args    []string
	Command string
}
