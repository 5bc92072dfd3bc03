package transform

import (
	"cmp"

	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/finding"
)

// Use is what kustomizations make of the file of an object.
type Use struct {
	// File is the file itself; "" for an object that nobody read from one, such
	// as what kustomize gives to a function.
	File string
	// Patch is the field that names it as a patch, such as
	// "overlays/prod/kustomization.yaml: patches[0].path", and Resource the one that
	// lists it as a resource; "" where none does.
	Patch, Resource string
}

// Named is the use of a file that a field names, as a patch or as a resource.
func (u Use) Named(field string, asPatch bool) Use {
	if asPatch {
		u.Patch = cmp.Or(u.Patch, field)
	} else {
		u.Resource = cmp.Or(u.Resource, field)
	}
	return u
}

// isPatch says why an object is no workload but a patch of one, and by which of its
// fields; "" for a workload. What kustomize takes for a resource is none, however
// little it says.
func (w *Workload) isPatch() (reason string, by edit.Path) {
	switch {
	case w.Use.Resource != "":
		return "", nil
	case w.Use.Patch != "":
		return "its file is a patch, by " + w.Use.Patch, nil
	case w.kind.Fixed && w.Name == "":
		return "it has neither a name nor a generateName, as in a patch; no cluster takes a " + w.Kind + " without one", w.Path("metadata")
	case w.imageless:
		return "none of its containers has an image, as in a patch; no cluster takes a " + w.Kind + " like that", w.templatePath("spec", "containers")
	}
	return "", nil
}

// doubtWorkload warns of an object that is written although it may be a patch.
func (p *Policy) doubtWorkload(w *Workload, plan *Plan) {
	switch {
	case w.Use.Patch != "" && w.Use.Resource != "":
		plan.warn(finding.PatchAndResource, w.Path(), "", "%s names this file as a patch, and %s lists it as a resource: what is written here for the resource goes wherever the patch does; give each a file of its own", w.Use.Patch, w.Use.Resource)
	case w.unselected && w.Use.File != "" && w.Use.Resource == "":
		plan.warn(finding.NoSelector, w.Path("spec", "selector"), "", "a %s without a selector is written as a workload, but no cluster takes one: if it is a patch, name the folder of the kustomization that says so; else add spec.selector", w.Kind)
	}
}

// imaged reports whether a container has an image.
func (c container) imaged() bool {
	image := c.value.Entry("image")
	return image.Exists() && (!image.IsScalar() || image.Text() != "")
}
