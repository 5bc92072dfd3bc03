package kinds

import "slices"

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
	// AnnotationsOnly says that the API refuses init containers by default.
	AnnotationsOnly bool
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
	// Over leads to annotations of the object over which the operator lays those of the
	// template: a key that does not stand here counts from there. Labels stand beside
	// them, as beside Annotations.
	Over Path
	// Merged says that the operator joins the template with one of its own, so that it
	// need not have containers.
	Merged bool
}

// Source is where a row was read: lines of a file at a commit, and what they say.
type Source struct {
	Repository, Path, Commit string
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

// WithNeeds gives the template with its Needs, where no row says them: what is made anew
// never lies above the second step of the path, or above the last item of a list.
func (t Template) WithNeeds() Template {
	if t.Needs == nil {
		place := t.Place()
		if t.Annotations != nil {
			place = t.Annotations
		}
		needs := min(2, len(place)-1)
		for i, step := range place {
			if step.Many() {
				needs = max(needs, i+1)
			}
		}
		t.Needs = place[:needs]
	}
	return t
}

// Of gives the known kind of that group and name.
func Of(group, kind string) (Kind, bool) {
	i := slices.IndexFunc(Known, func(k Kind) bool { return k.Kind == kind && k.Group == group })
	if i < 0 {
		return Kind{}, false
	}
	return Known[i], true
}
