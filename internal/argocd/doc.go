// Package argocd understands what Argo CD tells a config management plugin about the
// application it renders: the variables of the environment, and the place of the
// application's repository in the plugin's container.
//
// It reads no environment and no file itself, and does not know what a parameter
// does (see cmd/krm-bypass). The plugins in examples/argocd announce the parameters
// to Argo CD's users.
//
// Sources: argoproj/argo-cd : docs/operator-manual/config-management-plugins.md,
// docs/user-guide/build-environment.md and pkg/apis/application/v1alpha1/types.go.
package argocd
