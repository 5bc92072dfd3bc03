package mesh

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/spelling"
)

// Choice is a key of a template that takes few values.
type Choice struct {
	// Label says that Key is a label; it is an annotation otherwise.
	Label bool
	Key   string
	// Takes matches the values that the mesh knows (RE2).
	Takes string
	// Otherwise says what the mesh does with any other, and what to write.
	Otherwise string
	// Unless is a label that, whatever it says, puts Key out of force, and Overruled
	// what to say where it says something else.
	Unless, Overruled string
}

// Misread gives the choices of a template with these labels and annotations that have a
// value which the mesh does not know, or does not go by.
func (m *Mesh) Misread(annotations, labels map[string]string) []Choice {
	var all []Choice
	for _, c := range m.choices {
		of := annotations
		if c.Label {
			of = labels
		}
		value, there := of[c.Key]
		by, overruled := labels[c.Unless]
		switch {
		case !there:
		case overruled && by != value:
			c.Otherwise = c.Overruled
			all = append(all, c)
		case !overruled && !regexp.MustCompile(c.Takes).MatchString(value):
			all = append(all, c)
		}
	}
	for _, place := range []string{knownPod, knownLabel} {
		of := map[string]map[string]string{knownPod: annotations, knownLabel: labels}[place]
		for _, key := range slices.Sorted(maps.Keys(of)) {
			name := m.known.read().kinds[[2]string{place, key}]
			i := slices.IndexFunc(kinds, func(k kind) bool { return k.name == name })
			if i >= 0 && !regexp.MustCompile(kinds[i].takes).MatchString(of[key]) {
				all = append(all, refusing(place == knownLabel, key, kinds[i].takes, m.Name+"'s injector", kinds[i].write))
			}
		}
	}
	return all
}

// refusing is a choice with any other value of which the mesh refuses the pod.
func refusing(label bool, key, takes, refuser, write string) Choice {
	return Choice{Label: label, Key: key, Takes: takes, Otherwise: refuser + " does not take this value and refuses the pod: write " + write}
}

// ReadsOnNamespacesAlone reports whether the mesh reads a key on a Namespace and on no
// pod.
func (m *Mesh) ReadsOnNamespacesAlone(key string) bool {
	return slices.ContainsFunc(m.injects, func(c Choice) bool { return c.Key == key }) && !m.knows(key, knownPod, knownLabel)
}

// Injection is a key on a Namespace that was to give its pods a sidecar, or none, and
// does not.
type Injection struct {
	Label bool
	Key   string
	// Meant is the key that the mesh reads there, and MeantLabel says that it is one of
	// a label; "" where Why says it all.
	Meant      string
	MeantLabel bool
	// Why says what the mesh makes of it instead.
	Why string
}

// Injections gives such keys among those of a Namespace.
func (m *Mesh) Injections(annotations, labels map[string]string) []Injection {
	var all []Injection
	for _, label := range []bool{false, true} {
		of, beside := annotations, labels
		if label {
			of, beside = labels, annotations
		}
		for _, key := range slices.Sorted(maps.Keys(of)) {
			if i, slipped := m.injection(label, key, of[key]); slipped && (i.MeantLabel == label || beside[i.Meant] != of[key]) {
				all = append(all, i)
			}
		}
	}
	return all
}

func (m *Mesh) injection(label bool, key, value string) (i Injection, slipped bool) {
	i = Injection{Label: label, Key: key, MeantLabel: label}
	at := slices.IndexFunc(m.injects, func(c Choice) bool { return c.Key == key })
	if at >= 0 && m.injects[at].Label == label {
		i.Why = m.injects[at].Otherwise
		return i, i.Why != "" && !regexp.MustCompile(m.injects[at].Takes).MatchString(value)
	}
	onPods := slices.ContainsFunc(m.choices, func(c Choice) bool { return c.Key == key }) && slices.ContainsFunc(m.OptOuts, func(o OptOut) bool { return o.Key == key })
	if at < 0 && !onPods {
		if m.knows(key, knownPod, knownLabel, knownElse) {
			return i, false
		}
		at = slices.IndexFunc(m.injects, func(c Choice) bool {
			longer, begins := strings.CutPrefix(key, c.Key)
			return spelling.Nearest(key, []string{c.Key}, otherSlips) >= 0 || begins && !strings.ContainsAny(longer, "-_./")
		})
	}
	if at >= 0 {
		i.Meant, i.MeantLabel = m.injects[at].Key, m.injects[at].Label
		i.Why = m.Name + " does not know this key on a Namespace, so it has no effect"
		if i.Meant == key {
			i.Why = m.Name + " reads this on a Namespace only as " + map[bool]string{false: "an annotation", true: "a label"}[i.MeantLabel] + ", so it has no effect here"
		}
		return i, true
	}
	i.Why = m.Name + " reads this only on pods, so it has no effect here"
	return i, onPods
}
