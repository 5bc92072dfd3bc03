// Package argocd owns what Argo CD tells a config management plugin of the
// application that it renders, by the environment, and where in the plugin's
// container the application's repository stands.
//
// It reads neither the environment nor a file, and it does not know what a
// parameter does (see cmd/krm-bypass). Which ones Argo CD announces to its users
// stands in examples/argocd.
//
// The sources are argoproj/argo-cd : docs/operator-manual/config-management-plugins.md,
// docs/user-guide/build-environment.md and pkg/apis/application/v1alpha1/types.go.
package argocd
