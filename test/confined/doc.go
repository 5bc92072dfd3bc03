// Package confined runs the built program where it has no network, under a
// filter by which the kernel reports every program that it would start and every
// socket that it would open. Rendering a kustomization attempts neither, whatever
// the kustomization says. The real kustomize, under the same filter, shows that
// the inputs are attacks, and that the filter sees them. Reading an earlier
// revision starts git and nothing else, whatever the repository holds.
//
// It needs root for the network namespace, and git and kustomize.
// KRM_BYPASS_KUSTOMIZATIONS says how many kustomizations are drawn.
package confined
