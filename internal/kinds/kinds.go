package kinds

import (
	"cmp"
	"slices"
	"strings"
)

// Kind is a kind of object of which pods are made.
type Kind struct {
	// Group is the API group, "" for core; the version does not matter.
	Group string
	Kind  string
	// Short is kubectl's short name for it, where it has one that is not the beginning
	// of the kind's name (kubectl api-resources).
	Short string
	// Plural is the name under which the API serves the kind, where that is not its name
	// in small letters and an s.
	Plural string
	// Templates are the places of pod templates in an object, at least one, unless Left is
	// set.
	Templates []Template
	// Left says why objects of the kind are left alone, as the end of a sentence about one.
	Left string
	// Fixed says that an object of the kind cannot be changed once it is in a cluster
	// (the API server or the operator refuses it, or takes no notice), so that touching
	// it is asked for.
	Fixed bool
	// NextStart says that pods which run go on as they are when a template changes: only
	// those that start later have the change, whatever annotations the operator gives the
	// others.
	NextStart bool
	// ButContainer says that such pods are made anew all the same when our init container
	// comes, goes, or differs in more than its arguments.
	ButContainer bool
	// AnnotationsOnly says that the API refuses init containers by default.
	AnnotationsOnly bool
	// Shuffles says what the operator does with lists of init containers by which what we
	// write first and last may stand elsewhere in the pods, as the middle of a sentence that
	// begins with the kind; "" where they stay as they are, among the operator's own.
	Shuffles string
	// Reference is a field beside the templates by which the object takes its pods from
	// elsewhere; an object that has it is left alone.
	Reference Path
	// HostNetwork is a field beside the parts of a template by which all pods of the object
	// use the host's network; nil where there is none.
	HostNetwork Path
	// Sources are where this was read; nil for Kubernetes' own.
	Sources []Source
}

// Template says where the parts of one pod template stand. Either Path leads to all of
// it, or Annotations and InitContainers to what the operator takes of one.
type Template struct {
	// Path leads to a whole pod template, with metadata and spec. It is empty where the
	// object is itself a pod, and where Annotations are set.
	Path Path
	// Annotations lead to the annotations of the pods, where they stand in no whole
	// template, or where the operator takes nothing else of one. Their labels, if the
	// object has any, stand beside them under "labels".
	Annotations Path
	// InitContainers lead to a list of init containers that the operator puts into the
	// pods, beside Annotations; nil where it takes none. PullSecrets lead to the image
	// pull secrets, nil where there are none.
	InitContainers, PullSecrets Path
	// Create says that what is absent of the path is made, from the mapping on that Needs
	// leads to, which has to be there. Needs is the beginning of the path.
	Create bool
	Needs  Path
	// By is the field of a specification that names the template; "" for one of a row.
	By string
	// Over leads to annotations of the object over which the operator lays those of the
	// template: a key that does not stand here counts from there. Labels stand beside
	// them, as beside Annotations.
	Over Path
	// Others are keys by which, wherever they stand in the object, other pods have the
	// annotations than those of the templates that are laid over these; "KEY.KEY" stands
	// below the first one, or in an item of it. nil says nothing of that.
	Others []string
	// Unless are keys of an item of a list, or of a value of a map, with which it makes no
	// pods.
	Unless []string
	// Merged says that the operator joins the template with one of its own, so that it
	// need not have containers.
	Merged bool
}

// Source is where a row was read: lines of a file at a commit, and what they say.
type Source struct {
	Checkout
	Path string
	// Lines are the first and the last one, as in "120-134".
	Lines string
	Says  string
}

// Place is the path that names the template.
func (t Template) Place() Path {
	if t.Annotations == nil {
		return t.Path
	}
	last := len(t.Annotations) - 1
	if last > 0 && t.Annotations[last].Key == "annotations" {
		return t.Annotations[:last]
	}
	return t.Annotations
}

// Parts are the paths to all that is written of it.
func (t Template) Parts() []Path {
	if t.IsWhole() {
		return []Path{t.Path}
	}
	return slices.DeleteFunc([]Path{t.Annotations, t.InitContainers, t.PullSecrets}, func(p Path) bool { return p == nil })
}

// Meets reports whether two templates may stand in the same place, or have a part in the
// same place, or in one of the other's.
func (t Template) Meets(other Template) bool {
	return slices.ContainsFunc(t.Parts(), func(one Path) bool { return slices.ContainsFunc(other.Parts(), one.Meets) })
}

// IsWhole reports whether all of a pod template stands in one place.
func (t Template) IsWhole() bool { return t.Annotations == nil }

// Given is how much of a path to a part of the template has to be there. Where no row
// says it, what is made anew never lies above the second step of the path, or above the
// last item of a list.
func (t Template) Given(path Path) int {
	if t.Needs != nil {
		return len(t.Needs)
	}
	given := max(min(2, len(path)-1), 0)
	for i, step := range path {
		if step.Many() {
			given = i + 1
		}
	}
	return given
}

// IsAlone reports whether an object of the kind has this one template and no other.
func (k Kind) IsAlone() bool {
	return len(k.Templates) == 1 && !slices.ContainsFunc(k.Templates[0].Place(), Step.Many)
}

// Restarts reports whether pods that run are made anew when their template changes, and
// that of its init containers changes or not.
func (k Kind) Restarts(container bool) bool {
	return !k.Fixed && (!k.NextStart || k.ButContainer && container)
}

// IsKubernetes reports whether the kind is one of Kubernetes' own, of which no API
// server takes an object whose containers have no image (kubernetes/kubernetes
// pkg/apis/core/validation/validation.go, validateContainerCommon).
func (k Kind) IsKubernetes() bool { return !strings.Contains(k.Group, ".") }

// NeedsSelector reports whether no API server takes an object of the kind without
// spec.selector (kubernetes/kubernetes pkg/apis/apps/validation/validation.go). The
// oldest version of the group filled it in.
func (k Kind) NeedsSelector(apiVersion string) bool {
	return k.Group == "apps" && apiVersion != "apps/v1beta1"
}

// Named reports whether a match's entry, such as "Deployment" or
// "StatefulSet.apps.kruise.io", names the kind.
func (k Kind) Named(entry string) bool {
	name, g, qualified := strings.Cut(entry, ".")
	return name == k.Kind && (!qualified || g == k.Group)
}

// FullName names the kind with its group, as Named takes it.
func (k Kind) FullName() string { return strings.TrimSuffix(k.Kind+"."+k.Group, ".") }

// Resource is the name under which the API serves the kind.
func (k Kind) Resource() string { return cmp.Or(k.Plural, strings.ToLower(k.Kind)+"s") }

// among finds the kind of that group and name.
func among(all []Kind, group, kind string) (*Kind, bool) {
	// Every object is looked up, and a row is large: none is copied.
	for i := range all {
		if k := &all[i]; k.Kind == kind && k.Group == group {
			return k, true
		}
	}
	return &Kind{}, false
}
