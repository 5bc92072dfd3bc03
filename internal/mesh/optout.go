package mesh

import (
	"regexp"
	"slices"
)

// OptOut is a way in which a template keeps the mesh's sidecar from its pods, said
// so that a reader without Go can follow Unmeshed: in regular expressions (RE2).
type OptOut struct {
	// Label says that Key is a label; it is an annotation otherwise.
	Label bool
	Key   string
	// Value matches the values that opt out, and But those of them that do not.
	Value, But string
	// Unless is a label that puts Key out of force by the values that Is matches.
	Unless, Is string
}

// OptOutLabels are the labels of a template by which its pods may opt out.
func (m *Mesh) OptOutLabels() []string {
	var keys []string
	for _, o := range m.OptOuts {
		if o.Label {
			keys = append(keys, o.Key)
		}
	}
	return keys
}

// OptsOut reports whether a template with these labels and annotations may keep the
// sidecar from its pods.
func (m *Mesh) OptsOut(labels, annotations map[string]string) bool {
	return slices.ContainsFunc(m.OptOuts, func(o OptOut) bool {
		of := annotations
		if o.Label {
			of = labels
		}
		value, there := of[o.Key]
		other, overruled := labels[o.Unless]
		return there && !(overruled && regexp.MustCompile(o.Is).MatchString(other)) && regexp.MustCompile(o.Value).MatchString(value) &&
			(o.But == "" || !regexp.MustCompile(o.But).MatchString(value))
	})
}
