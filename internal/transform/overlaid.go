package transform

import (
	"maps"
	"slices"
	"strconv"

	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/finding"
	"github.com/krm-bypass/krm-bypass/internal/object"
)

// Overlay is a patch, or a workload that one may be for, as far as the two are compared.
type Overlay struct {
	*Object
	isPatch bool
	// annotations are those of a patch's template, or those that are written for a
	// workload.
	annotations map[string]string
	at          edit.Path // of a patch's
}

// Overlay gives what is to be compared of a planned object. asked is for manifests
// that are not rendered now: a ClusterBypass that a kustomization lists comes behind
// the patches, so that only what a record says was written into a file is replaced.
func (p *Policy) Overlay(plan *Plan, item int, asked bool) *Overlay {
	w := plan.Workload
	about := w.Named()
	about.Item = item
	o := &Overlay{Object: about, isPatch: w.Use.Patch != "" && w.Use.Resource == ""}
	switch {
	case o.isPatch:
		o.annotations = maps.Clone(w.TemplateAnnotations)
		o.at = w.templatePath("metadata", "annotations")
	case plan.Applies && (!asked || w.Annotations[RecordAnnotation] != ""):
		o.annotations = plan.Annotations
	}
	return o
}

// Replaced warns of patches that replace what is written into the files that they
// patch. Workloads of one name may be of several applications: all of them have to be
// written so.
func (p *Policy) Replaced(all []*Overlay) []Told {
	var told []Told
	for _, patch := range all {
		if !patch.isPatch {
			continue
		}
		for _, key := range slices.Sorted(maps.Keys(patch.annotations)) {
			of, written, hit := (*Overlay)(nil), "", p.Mesh.IsTraffic(key)
			for _, w := range all {
				if !hit || w.isPatch || !patch.isFor(w.Object) {
					continue
				}
				value, writes := w.annotations[key]
				if hit = writes && value != patch.annotations[key]; hit {
					of, written = w, value
				}
			}
			if hit && of != nil {
				found := report{lint: p.Lint}
				found.warn(finding.ChangedAfter, append(slices.Clip(patch.at), key), patch.annotations[key], "this patch replaces %s, which krm-bypass writes for %s: remove the annotation here, and say in a rule of the ClusterBypass what should bypass", strconv.Quote(written), object.Named(of.Kind, of.Namespace, of.Name))
				for _, f := range found.Findings {
					told = append(told, Told{patch.Object, f})
				}
			}
		}
	}
	return told
}

// isFor reports whether a patch may be for an object.
func (o *Overlay) isFor(w *Object) bool {
	return o.Kind == w.Kind && object.Group(o.APIVersion) == object.Group(w.APIVersion) && o.Name == w.Name && (o.Namespace == w.Namespace || o.Namespace == "" || w.Namespace == "")
}
