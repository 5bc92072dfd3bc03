// Package helm holds no code: its tests let Helm 3 and Helm 4 render charts with
// krm-bypass as their post-renderer, and hold what comes out to what krm-bypass
// makes of the same chart through a pipe.
//
// Argo CD's plugin for charts is test/argocd's.
package helm
