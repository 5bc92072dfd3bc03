package mesh

import "regexp"

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
	return all
}

// refusing is a choice with any other value of which the mesh refuses the pod.
func refusing(label bool, key, takes, refuser, write string) Choice {
	return Choice{Label: label, Key: key, Takes: takes, Otherwise: refuser + " does not take this value and refuses the pod: write " + write}
}
