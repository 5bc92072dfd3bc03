package readers

import (
	"fmt"
	"slices"
)

// ours is what is judged.
var ours Reader = krmBypass{}

// judges are those whose reading counts, kubectl first.
var judges = []Reader{kubectl{}, newKustomize(), argoCD{}, argoCDFolder{}}

// An outcome is what all of the readers make of a text.
type outcome struct {
	text   []byte
	judges []Reading
	ours   Reading
}

func readByAll(text []byte) outcome {
	o := outcome{text: text, ours: ours.Read(text)}
	for _, judge := range judges {
		o.judges = append(o.judges, judge.Read(text))
	}
	return o
}

// fault says what is wrong with our reading, "" if nothing. Refusing is never
// wrong here. Else
//   - each template that a judge sees is among ours, with the same annotations;
//   - no judge sees a template that kubectl does not see, unless kubectl, or the
//     server behind it, refuses something: then no two of the others do.
func (o outcome) fault() string {
	if o.ours.Err != nil {
		return o.productFault()
	}
	our := o.ours.keys()
	for i, reading := range o.judges {
		if missing := without(reading.keys(), our); len(missing) > 0 {
			return fmt.Sprintf("%s sees what we do not: %s", judges[i].Name(), missing[0])
		}
		for j, other := range o.judges {
			if i == 0 && reading.Err == nil && !reading.refuses() && len(without(other.keys(), reading.keys())) > 0 {
				return judges[j].Name() + " sees what kubectl does not, and we do not refuse"
			}
			if j > i && i > 0 && differ(reading, other) {
				return fmt.Sprintf("%s and %s differ, and we do not refuse", judges[i].Name(), judges[j].Name())
			}
		}
	}
	return o.productFault()
}

// differ reports whether each of two readings has a template that the other lacks.
func differ(a, b Reading) bool {
	return len(without(a.keys(), b.keys())) > 0 && len(without(b.keys(), a.keys())) > 0
}

// without gives the keys of a that are not in b, each as often as it is missing.
func without(a, b []string) []string {
	var missing []string
	left := slices.Clone(b)
	for _, key := range a {
		if i := slices.Index(left, key); i >= 0 {
			left = slices.Delete(left, i, i+1)
		} else {
			missing = append(missing, key)
		}
	}
	return missing
}

// oursAlone are the templates that we see and no judge does: what stands behind
// "..." is lost to kubectl, but not to us.
func (o outcome) oursAlone() int {
	alone := 0
	for _, key := range o.ours.keys() {
		if !slices.ContainsFunc(o.judges, func(r Reading) bool { return slices.Contains(r.keys(), key) }) {
			alone++
		}
	}
	return alone
}

// agreed says that all judges read the same templates and none had anything to
// refuse.
func (o outcome) agreed() bool {
	for _, reading := range o.judges {
		if reading.Err != nil || !slices.Equal(reading.keys(), o.judges[0].keys()) {
			return false
		}
	}
	return true
}

// report is what each reader says, in lines.
func (o outcome) report() string {
	said := ""
	line := func(name string, r Reading) {
		said += fmt.Sprintf("  %-16s %s\n", name, r)
		if r.Err != nil {
			said += fmt.Sprintf("  %-16s %.300s\n", "", r.Err)
		}
	}
	for i, reading := range o.judges {
		line(judges[i].Name(), reading)
	}
	line(ours.Name(), o.ours)
	return said
}
