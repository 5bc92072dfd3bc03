package mesh

import (
	"slices"
	"strconv"
)

// InitContainers are those that the mesh gives to pods.
type InitContainers struct {
	// Native are annotations that say whether the sidecar is a native one: the first that
	// stands counts. NativeIf says on what that depends without them.
	Native   []string
	NativeIf string
	// First is an annotation by which those that make the rules come first, whatever the
	// sidecar is.
	First string
	// All are first those before the pod's own, and then those behind them.
	All []Injected
}

// Injected is an init container of the mesh.
type Injected struct {
	Name string
	// Says is what it does.
	Says string
	// Stays says that it runs as long as the pod does, Last that it is behind the pod's own.
	Stays, Last bool
	// If says on what it depends that it is there, "" for nothing.
	If string
	of sidecarKind
}

// sidecarKind says beside which sidecars an init container is.
type sidecarKind uint8

const (
	anySidecar sidecarKind = iota
	nativeSidecar
	formerSidecar
)

// In gives the init containers that pods with these annotations may get.
func (i InitContainers) In(annotations map[string]string) []Injected {
	on := func(key string) bool {
		is, err := strconv.ParseBool(annotations[key])
		return is && err == nil || slices.Contains([]string{"enabled", "yes"}, annotations[key])
	}
	said := slices.IndexFunc(i.Native, func(key string) bool { return annotations[key] != "" })
	first := on(i.First)
	var all []Injected
	for _, c := range i.All {
		switch native := c.of == nativeSidecar; {
		case c.of == anySidecar, first && native && !c.Stays:
		case first && !native:
			continue
		case said < 0 && native:
			c.If = both("the sidecar is a native one: "+i.NativeIf, c.If)
		case said < 0:
			c.If = both("the sidecar is no native one", c.If)
		case on(i.Native[said]) != native:
			continue
		}
		all = append(all, c)
	}
	return all
}

// both joins clauses.
func both(one, other string) string {
	if other == "" {
		return one
	}
	return one + ", and " + other
}
