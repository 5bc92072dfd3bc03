//go:build borrowed

// Package plugin is what makes the rules in Istio's package of that name.
package plugin

import "istio.io/api/annotation"

// What plugin.go and kubernetes.go there have.
var (
	injectAnnotationKey = annotation.SidecarInject.Name
	sidecarStatusKey    = annotation.SidecarStatus.Name
)

// PodInfo is as much of a pod as the rules are made of.
type PodInfo struct {
	Annotations        map[string]string
	ProxyEnvironments  map[string]string
	ProxyUID, ProxyGID *int64
}
