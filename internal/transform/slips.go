package transform

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/finding"
	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/spelling"
)

// described is a place on a workload where annotations and labels stand.
type described struct {
	// path leads to the metadata, relative to the workload.
	path                edit.Path
	annotations, labels map[string]string
}

// values gives the annotations or the labels, by the name of their field.
func (d described) values(field string) map[string]string {
	if field == labels {
		return d.labels
	}
	return d.annotations
}

const (
	annotations = "annotations"
	labels      = "labels"
)

// reportSlips warns of annotations and labels that the mesh does not read although
// they look as if it did: those that it does not know, another mesh's, and those that
// stand in another place than where it reads them. Nothing else tells their writer:
// the mesh sees pods alone, and ignores there what it does not know.
//
// It does so whether the policy speaks of the workload or not, but only where
// the mesh has a say.
func (p *Policy) reportSlips(w *Workload, was *prior, plan *Plan) {
	if p.mindsAny(w, was) {
		p.tellSlips(w, was, plan)
	}
}

func (p *Policy) tellSlips(w *Workload, was *prior, plan *Plan) {
	p.reportOwnKeys(w, plan)
	if !p.concerned(w, was, plan) {
		return
	}
	p.reportUnread(func(key string) edit.Path { return w.templatePath("metadata", annotations, key) }, was.annotations, plan)
	template := described{w.metadataPath(), was.annotations, w.TemplateLabels}
	for _, s := range slices.Concat(p.Mesh.Slips(template.annotations), p.Mesh.LabelSlips(template.labels)) {
		if p.unreadIn(plan, s.Key) != "" {
			continue
		}
		if kind, message := p.slip(s, template); message != "" {
			field, _ := placesOf(s)
			plan.warn(kind, w.templatePath("metadata", field, s.Key), template.values(field)[s.Key], "%s", message)
		}
	}
	for _, place := range w.above {
		p.reportMisplaced(w, place, template, plan)
	}
	for _, place := range append(slices.Clone(w.above), template) {
		for _, field := range []string{annotations, labels} {
			for _, key := range slices.Sorted(maps.Keys(place.values(field))) {
				if p.Mesh.ReadsOnNamespacesAlone(key) {
					plan.warn(finding.MisplacedAnnotation, w.Path(append(slices.Clone(place.path), field, key)...), place.values(field)[key], "%s reads this on a Namespace alone, so it has no effect here: write it there", p.Mesh.Name)
				}
			}
		}
	}
}

// mindsAny reports whether a key of the workload is one about which there may be something to
// say. Most workloads have none.
func (p *Policy) mindsAny(w *Workload, was *prior) bool {
	for _, place := range w.above {
		if p.mindsOne(place.annotations) || p.mindsOne(place.labels) {
			return true
		}
	}
	return p.mindsOne(w.TemplateAnnotations) || p.mindsOne(was.annotations) || p.mindsOne(w.TemplateLabels)
}

func (p *Policy) mindsOne(values map[string]string) bool {
	for key := range values {
		minds := func() bool { return strings.HasPrefix(key, ownPrefix) || p.Mesh.Minds(key) }
		if p.minded == nil && minds() || p.minded != nil && p.minded.of(key, minds) {
			return true
		}
	}
	return false
}

// metadataPath leads from the workload to the metadata of its pods.
func (w *Workload) metadataPath() edit.Path {
	return w.templatePath("metadata")[len(w.base):]
}

// ownPrefix is that of the annotations that krm-bypass writes. It reads no others.
const (
	ownPrefix       = "krm-bypass.dev/"
	ownPrefixRemedy = "say what you mean in the ClusterBypass; spec.enrolment and the match of a rule choose workloads"
)

func foreignUnderOwnPrefix(key string) bool {
	return strings.HasPrefix(key, ownPrefix) && key != PolicyAnnotation && key != RecordAnnotation
}

// reportOwnKeys warns of annotations that look as if krm-bypass read them.
func (p *Policy) reportOwnKeys(w *Workload, plan *Plan) {
	places := append(slices.Clone(w.above), described{w.metadataPath(), w.TemplateAnnotations, w.TemplateLabels})
	for _, place := range places {
		for _, field := range []string{annotations, labels} {
			for _, key := range slices.Sorted(maps.Keys(place.values(field))) {
				if foreignUnderOwnPrefix(key) {
					plan.warn(finding.UnknownAnnotation, w.Path(append(place.path, field, key)...), place.values(field)[key],
						"krm-bypass reads nothing under %s, so it has no effect: %s", ownPrefix, ownPrefixRemedy)
				}
			}
		}
	}
}

// placesOf gives the field in which a slip stands, and the other one.
func placesOf(s mesh.Slip) (is, other string) {
	if s.Label {
		return labels, annotations
	}
	return annotations, labels
}

// slip says what kind of finding a slip on the template is, why it has no effect and
// what to do; "" where what was meant stands there too.
func (p *Policy) slip(s mesh.Slip, template described) (kind *finding.Kind, message string) {
	is, reads := placesOf(s)
	switch {
	case s.Moved:
		at := append(slices.Clone(template.path), reads)
		remedy := fmt.Sprintf("move it to %s", at)
		switch there, stands := template.values(reads)[s.Key]; {
		case stands && there == template.values(is)[s.Key]:
			return nil, ""
		case stands:
			remedy = fmt.Sprintf("remove it, since %s has %q", at, there)
		}
		return finding.MisplacedAnnotation, fmt.Sprintf("%s reads this only as %s, so it has no effect here: %s", p.Mesh.Name, map[string]string{annotations: "an annotation", labels: "a label"}[reads], remedy)
	case s.Reader == nil:
		return finding.UnknownAnnotation, p.unread(s) + ": " + p.remedy(s)
	case slices.ContainsFunc(s.Meant, func(meant string) bool { _, stands := template.annotations[meant]; return stands }):
		return nil, "" // it is written for both meshes
	}
	return finding.OtherMesh, p.unread(s) + ": " + p.remedy(s)
}

// reportMisplaced warns of annotations and labels that stand above the template.
func (p *Policy) reportMisplaced(w *Workload, place, template described, plan *Plan) {
	misplaced := func(field, key, meant, why string) {
		at := append(slices.Clone(template.path), field)
		remedy := fmt.Sprintf("move it to %s", at)
		if meant != key {
			remedy += " and spell it " + meant
		}
		if _, stands := template.values(field)[meant]; stands {
			remedy = fmt.Sprintf("remove it, since %s has %s already", at, meant)
		}
		plan.warn(finding.MisplacedAnnotation, w.Path(append(place.path, field, key)...), place.values(field)[key], "%s: %s", why, remedy)
	}
	p.reportUnread(func(key string) edit.Path { return w.Path(append(place.path, annotations, key)...) }, place.annotations, plan)
	for _, key := range slices.Sorted(maps.Keys(place.annotations)) {
		if p.unreadIn(plan, key) != "" {
			continue
		}
		// The same value in the template too is of a tool that annotates everything.
		if is, stands := template.annotations[key]; p.Mesh.ReadsAnnotation(key) && (p.Mesh.IsKey(key) && is != place.annotations[key] || !stands) {
			misplaced(annotations, key, key, p.Mesh.Name+" reads this annotation only in the pod template, so it has no effect here")
		}
	}
	for _, s := range p.Mesh.Slips(place.annotations) {
		switch {
		case p.unreadIn(plan, s.Key) != "":
		case s.Reader != nil && !s.Moved && s.Meant != nil, s.Reader == nil && len(s.Meant) == 1 && p.Mesh.ReadsAnnotation(s.Meant[0]):
			misplaced(annotations, s.Key, s.Meant[0], p.unread(s))
		case s.Reader == nil:
			plan.warn(finding.UnknownAnnotation, w.Path(append(place.path, annotations, s.Key)...), place.annotations[s.Key], "%s: %s", p.unread(s), p.remedy(s))
		}
	}
	for _, s := range slices.Concat(p.Mesh.Slips(place.annotations), p.Mesh.LabelSlips(place.labels)) {
		is, reads := placesOf(s)
		_, told := template.values(is)[s.Key]
		if there, stands := template.values(reads)[s.Key]; s.Moved && !told && (!stands || there != place.values(is)[s.Key]) {
			plan.warn(finding.MisplacedAnnotation, w.Path(append(place.path, is, s.Key)...), place.values(is)[s.Key], "%s reads this only as %s of the pod template, so it has no effect here: move it to %s",
				p.Mesh.Name, map[string]string{annotations: "an annotation", labels: "a label"}[reads], append(slices.Clone(template.path), reads))
		}
	}
	for _, key := range append(p.Mesh.OptOutLabels(), p.Mesh.PlaneLabel().Key) {
		_, stands := template.labels[key]
		if _, here := place.labels[key]; here && !stands {
			misplaced(labels, key, key, p.Mesh.Name+" reads this label only in the pod template, so it has no effect here")
		}
	}
}

// concerned reports whether annotations on the workload have a meaning: the mesh has
// a say there, and the namespace may be enrolled.
func (p *Policy) concerned(w *Workload, was *prior, plan *Plan) bool {
	return p.reached(w) && plan.on.Unmeshed(w.TemplateLabels, was.annotations) == ""
}

// reached reports whether the mesh may have a say in the pods of a workload, if
// they do not opt out.
func (p *Policy) reached(w *Workload) bool {
	return p.namespaceEnrolled(p.namespaceOf(w)) != no && !w.hostNetwork && w.windows == nil
}

// unread says why a slip has no effect.
func (p *Policy) unread(s mesh.Slip) string {
	if s.Reader != nil {
		return fmt.Sprintf("this is an annotation of %s, which %s, the mesh of spec.mesh, does not read", s.Reader.Name, p.Mesh.Name)
	}
	return fmt.Sprintf("%s does not know this %s, so it has no effect", p.Mesh.Name, map[bool]string{false: "annotation", true: "label"}[s.Label])
}

// remedy says what to write instead of a slip.
func (p *Policy) remedy(s mesh.Slip) string {
	switch {
	case s.Reader == nil && s.Meant == nil:
		return "remove it, or look up its name; what should bypass can stand in a rule of the ClusterBypass"
	case s.Reader == nil:
		return spelling.Asking(s.Key, s.Meant)
	case s.Meant == nil:
		return fmt.Sprintf("set %s in the ClusterBypass, since %s has no annotation for it", s.Field, p.Mesh.Name)
	}
	return "write " + s.Meant[0]
}
