package transform

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/each"
	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/finding"
	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/object"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// Annotation is an annotation and its value.
type Annotation struct{ Key, Value string }

// Beside is what stands beside bystanders, as far as it matters to what is said of them.
type Beside struct {
	Workloads int
	// Have counts the workloads whose templates have an annotation that says what
	// bypasses.
	Have map[Annotation]int
	// Asked says that the user asks for all there is to say.
	Asked bool
}

// Add counts a planned workload.
func (b *Beside) Add(p *Policy, plan *Plan) {
	b.Workloads++
	if plan.was == nil {
		return
	}
	for key, value := range plan.was.annotations {
		if !p.Mesh.IsTraffic(key) {
			continue
		}
		if b.Have == nil {
			b.Have = map[Annotation]int{}
		}
		b.Have[Annotation{key, value}]++
	}
}

// Join adds what another counted.
func (b *Beside) Join(other Beside) {
	b.Workloads += other.Workloads
	if b.Have == nil {
		b.Have = other.Have
		return
	}
	for one, n := range other.Have {
		b.Have[one] += n
	}
}

// Told is what there is to say of an object, and of others like it.
type Told struct {
	*Object
	Finding
}

// Tell says of bystanders what is surprising, each cause once.
func (p *Policy) Tell(all []*Bystander, beside Beside) []Told {
	slices.SortStableFunc(all, func(a, b *Bystander) int {
		return cmp.Or(strings.Compare(a.Kind, b.Kind), strings.Compare(a.APIVersion, b.APIVersion), strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Name, b.Name))
	})
	t := &telling{policy: p, known: map[[4]string]*cause{}}
	for _, b := range all {
		for _, m := range b.misplaced {
			// A tool that annotates everything, as commonAnnotations of kustomize
			// do, reached the pods as well.
			if everywhere := beside.Workloads > 0 && beside.Have[Annotation{m.annotation, m.value}] == beside.Workloads; !everywhere && !m.passed {
				t.add(m.kind, b, [4]string{b.Kind, object.Group(b.APIVersion), m.field + " " + m.annotation, m.value}, func(same []*Bystander) (edit.Path, string, string) {
					return b.Path("metadata", m.field, m.annotation), m.value, m.why + also(", nor on ", same) + ": " + cmp.Or(m.remedy, p.mend(m, same))
				})
			}
		}
		switch of := [4]string{b.Kind, object.Group(b.APIVersion)}; {
		case b.Later != nil && (beside.Asked || beside.Workloads == 0):
			t.add(finding.LaterRendered, b, of, func(same []*Bystander) (edit.Path, string, string) {
				others := also("; explain says how it is for ", same)
				return nil, "", fmt.Sprintf("%s, and nothing that is said here reaches those pods: %s%s", b.Later.Does, b.Later.Instead, others)
			})
		case b.Pods != "" && (b.spoken || b.breach != ""):
			t.add(finding.UnknownPodTemplate, b, of, func(same []*Bystander) (edit.Path, string, string) {
				return b.at, "", b.unreached(same)
			})
		}
	}
	told := t.told()
	for _, b := range all {
		for _, held := range b.Held {
			for _, f := range held.Findings {
				told = append(told, Told{b.Object, f})
			}
		}
	}
	return told
}

// telling collects what is said, by what makes it the same.
type telling struct {
	policy *Policy
	causes []*cause
	known  map[[4]string]*cause
}

// cause is what is said once, however many bystanders it is of.
type cause struct {
	kind *finding.Kind
	of   []*Bystander
	says func(same []*Bystander) (path edit.Path, value, message string)
}

func (t *telling) add(kind *finding.Kind, b *Bystander, key [4]string, says func([]*Bystander) (edit.Path, string, string)) {
	key[0] = kind.ID + " " + key[0]
	one := t.known[key]
	if one == nil {
		one = &cause{kind: kind, says: says}
		t.known[key], t.causes = one, append(t.causes, one)
	}
	one.of = append(one.of, b)
}

func (t *telling) told() []Told {
	var all []Told
	for _, one := range t.causes {
		found := report{lint: t.policy.Lint}
		path, value, message := one.says(one.of)
		found.warn(one.kind, path, value, "%s", message)
		for _, f := range found.Findings {
			all = append(all, Told{one.of[0].Object, f})
		}
	}
	return all
}

// also names the bystanders but the first, behind the words.
func also(words string, same []*Bystander) string {
	if len(same) == 1 {
		return ""
	}
	return words + some(idsOf(same[1:]))
}

func idsOf(all []*Bystander) []string {
	return each.As(all, (*Bystander).ID)
}

// mend says what to do with an annotation instead.
func (p *Policy) mend(m misplaced, same []*Bystander) string {
	key := slices.IndexFunc(p.Mesh.Keys, func(k mesh.Key) bool { return k.Annotation == m.meant })
	spelt := ""
	if m.meant != m.annotation {
		spelt = " as " + m.meant
	}
	if !isNamespace(object.Type{APIVersion: same[0].APIVersion, Kind: same[0].Kind}) {
		return fmt.Sprintf("write it%s in the pod template that it is meant for, or say it in a rule of the ClusterBypass", spelt)
	}
	if key >= 0 {
		k := p.Mesh.Keys[key]
		if said, err := k.Read(m.value); err == nil {
			if entries, _ := said.Entries(k.Field); len(entries) > 0 {
				names := each.As(same, func(b *Bystander) string { return b.Name })
				if i := slices.Index(entries, traffic.Everything); i >= 0 {
					entries[i] = strconv.Quote(traffic.Everything) // which is an alias without quotes
				}
				return fmt.Sprintf("say it in a rule under spec.namespaces of the ClusterBypass: {match: {names: [%s]}, %s: [%s]}", strings.Join(names, ", "), k.Field, strings.Join(entries, ", "))
			}
		}
	}
	return fmt.Sprintf("write it%s in the pod templates, or say it in a rule under spec.namespaces of the ClusterBypass", spelt)
}

// unreached says that no rule reaches the pods of bystanders, and how they would be
// reached.
func (b *Bystander) unreached(same []*Bystander) string {
	says := "krm-bypass does not know this kind, so no rule reaches its pods" + also(", nor those of ", same)
	if b.known != "" {
		says = "spec.podTemplates names " + b.known + " for this kind, so no rule reaches these pods" + also(", nor those of ", same)
	}
	switch remedy := ways(same); {
	case b.breach == "":
		return says + ": " + remedy
	case b.spoken:
		says += ", nor do the limits: "
	default:
		says = "krm-bypass does not know this kind, so the limits do not reach its pods" + also(", nor those of ", same) + ": "
	}
	if entries := entriesFor(same); entries != "" {
		return says + b.breach + "; to have them judged, " + b.write(entries)
	}
	return says + b.breach
}

// ways says how the pods of bystanders are reached.
func ways(same []*Bystander) string {
	switch entries := entriesFor(same); {
	case same[0].known == "" && same[0].meant != "":
		return fmt.Sprintf("did you mean %s?", same[0].meant)
	case entries != "":
		return same[0].write(entries)
	case same[0].bare:
		return fmt.Sprintf("%s is no whole pod template; if the kind has fields for the annotations of its pods, and for init containers, add {apiVersion: %s, kind: %s, annotations: PATH, initContainers: PATH} to spec.podTemplates, with the paths to them; else write the annotations of the mesh by hand, where the controller takes those of its pods from", same[0].Pods, same[0].APIVersion, same[0].Kind)
	}
	return fmt.Sprintf("spec.podTemplates cannot name %s, so write the annotations of the mesh by hand, where the controller takes those of its pods from", same[0].Pods)
}

// write says what to do with entries.
func (b *Bystander) write(entries string) string {
	if b.instead != "" {
		return fmt.Sprintf("write %s in place of %s", entries, b.instead)
	}
	return fmt.Sprintf("add %s to spec.podTemplates", entries)
}

// entriesFor gives the entries that would name the templates of bystanders, each once.
func entriesFor(same []*Bystander) string {
	var all []string
	for _, one := range same {
		all = append(all, one.entries...)
	}
	slices.Sort(all)
	return strings.Join(slices.Compact(all), " and ")
}

// Reason says in a report what a bystander is.
func (b *Bystander) Reason() string {
	switch {
	case b.Later != nil:
		return b.Later.Does + ": " + b.Later.Instead
	case b.Pods == "":
		return ""
	case b.known != "":
		return "spec.podTemplates names " + b.known + " for this kind, and not " + b.Pods
	case b.controlled:
		return "a controller owns it and would undo any change"
	case b.meant != "":
		return "krm-bypass does not know this kind: did you mean " + b.meant + "?"
	case len(b.entries) > 0:
		return "krm-bypass does not know this kind; to have it written, " + b.write(entriesFor([]*Bystander{b}))
	}
	return "krm-bypass does not know this kind, whose pods are made of " + b.Pods
}
