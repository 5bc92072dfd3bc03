// Package argocd holds no code: its tests install the plugins of examples/argocd
// as Argo CD does and let the real argocd-cmp-server run them, called by
// repo-server's own code over its socket.
//
// It is a module of its own, so that Argo CD's dependencies stay out of the
// project's. It does not test what krm-bypass makes of manifests (testdata/golden
// does), only that Argo CD gets the same, or an error that says what to do.
package argocd
