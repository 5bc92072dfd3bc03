package transform

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/pattern"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// way is something of a workload, beside the traffic fields, by which traffic
// bypasses the sidecar, or by which it may as far as anybody can tell.
type way struct {
	path        edit.Path
	word, value string
	lets        traffic.Layer
	// exact says that it lets all of that bypass, unless there is a doubt.
	exact bool
	doubt string
	// holds says that it does so in every data plane.
	holds bool
	// says completes "PORT must not bypass the sidecar, but ".
	says string
}

// Way is what a way lets bypass and where it stands.
type Way struct {
	Path edit.Path
	// Word is the part of the value by which it does so, "" for the whole.
	Word  string
	Value string
	Lets  traffic.Layer
	// Sure says that it lets all of that bypass, and not only perhaps; Doubt is why not,
	// "" where the value leaves it open.
	Sure  bool
	Doubt string
}

// Ways gives everything beside the traffic fields by which traffic of a planned
// workload bypasses the sidecar, or may.
func (p *Policy) Ways(plan *Plan) []Way {
	if plan.in == 0 {
		return nil
	}
	was := *plan.was
	was.annotations = p.InForce(plan, nil)
	var all []Way
	for _, w := range p.ways(plan.Workload, &was, plan.in) {
		key := fmt.Sprint(w.path[len(w.path)-1])
		switch other, _ := p.Mesh.Other(key); {
		case !slices.Contains(w.path, any("annotations")):
			if !w.holds && !plan.hasSidecar() {
				continue
			}
		case !p.Mesh.ReadsAnnotation(key), p.Mesh.Drops(key, w.value):
			continue // the limits mind what a later version may read, but no mesh does today
		case !other.ReadOn(plan.DataPlane()):
			continue
		}
		all = append(all, Way{w.path, w.word, w.value, w.lets, w.exact && w.doubt == "", w.doubt})
	}
	return all
}

// ways gives them in the directions that count.
func (p *Policy) ways(w *Workload, was *prior, in mesh.Opening) []way {
	var all []way
	add := func(path edit.Path, value string, lets traffic.Layer, format string, args ...any) {
		if lets = in.Of(lets); !lets.IsZero() {
			all = append(all, way{path: path, value: value, lets: lets, says: fmt.Sprintf(format, args...)})
		}
	}
	would := func(path edit.Path, value string, lets traffic.Layer, by, name, doubt string) {
		if lets = in.Of(lets); !lets.IsZero() {
			all = append(all, way{path: path, value: value, lets: lets, exact: true, doubt: doubt, says: fmt.Sprintf("would by %s %s: %s", by, name, removeIt)})
		}
	}
	for _, annotation := range slices.Sorted(maps.Keys(was.annotations)) {
		value, at := was.annotations[annotation], was.at(w, annotation)
		if key, doubt := p.Mesh.Doubt(annotation, value); doubt != "" {
			opens := mesh.OpeningOf(key.Field)
			if strings.Contains(value, `"`) { // by which it ends in what the mesh injects, as linkerd2 _proxy-init.tpl
				opens = mesh.OpensAll
			}
			add(at, value, opens.Everything(), "what this value lets bypass is in doubt: %s", doubt)
		}
		if other, _ := p.Mesh.Other(annotation); other.As != "" && p.everyoneKnown(w, other.As) {
			continue // the containers tell below
		}
		for _, one := range p.lets(annotation, value, was.annotations) {
			before := len(all)
			if one.exact {
				would(at, value, one.lets, "the annotation", annotation, one.doubt)
			} else {
				add(at, value, one.lets, "the annotation %s lets anything bypass it, as far as anybody can tell: remove it, and say in a rule of the ClusterBypass what should bypass", annotation)
			}
			for i := range all[before:] {
				all[before+i].word = one.word
			}
		}
	}
	containers := slices.Concat(w.initContainers, w.containers)
	for i, field := range identities {
		ids, inherits := p.Mesh.Sidecars(field, was.annotations), false
		runs := func(at edit.Path, id string) {
			if slices.Contains(ids, id) {
				add(slices.Concat(at, edit.Path{"securityContext", field}), id, mesh.OpensOutbound.Everything(), "what %s %s sends bypasses it, as the sidecar's own traffic does: use another", field, id)
			}
		}
		for _, c := range containers {
			if p.isSidecar(c) {
				if c.as[i] != "" && !slices.Contains(ids, c.as[i]) {
					add(slices.Concat(c.path, edit.Path{"securityContext", field}), c.as[i], mesh.OpensOutbound.Everything(), "what any container sends with this %s bypasses it, since %s takes that of %s for its sidecar's: remove it there", field, p.Mesh.Name, c.name)
				}
			} else if !slices.Contains(p.Mesh.Containers, c.name) { // those are told of below
				runs(c.path, c.as[i])
				inherits = inherits || c.as[i] == ""
			}
		}
		if inherits {
			runs(w.templatePath("spec"), w.as[i])
		}
	}
	for _, c := range containers {
		if says := p.standsIn(c); says != "" {
			add(c.path, c.name, mesh.OpensAll.Everything(), "%s", says)
		}
	}
	ofContainers := len(all)
	for _, c := range w.foreign(was.containers) {
		if !p.enforces(c) {
			continue
		}
		if lets, doubt := c.argued(); doubt == "" {
			would(c.path, c.name, lets, "the arguments of the container", c.name, "")
		} else {
			add(c.path, c.name, mesh.OpensAll.Everything(), "what the container %s lets bypass is in doubt, since it has %s: remove that, or the container", c.name, doubt)
		}
	}
	for i := range all[ofContainers:] {
		all[ofContainers+i].holds = true
	}
	return all
}

// everyoneKnown reports whether the manifest says as whom each container runs.
func (p *Policy) everyoneKnown(w *Workload, field string) bool {
	i, containers := slices.Index(identities[:], field), slices.Concat(w.initContainers, w.containers)
	return len(containers) > 0 && !slices.ContainsFunc(containers, func(c container) bool {
		return c.as[i] == "" && w.as[i] == "" && !slices.Contains(p.Mesh.Containers, c.name)
	})
}

// standsIn says by what a container takes the place of one of the mesh's own.
func (p *Policy) standsIn(c container) string {
	image := c.value.Entry("image").Text()
	switch {
	case slices.Contains(p.Mesh.Containers, c.name):
		return fmt.Sprintf("the container %s stands for the one that %s adds, and what it intercepts cannot be judged: remove it, or rename it", c.name, p.Mesh.Name)
	case slices.ContainsFunc(p.Mesh.Images, func(begin string) bool { return strings.HasPrefix(image, begin) }):
		return fmt.Sprintf("to %s the container %s is a sidecar that is there already, by its image: remove it, or take another image", p.Mesh.Name, c.name)
	case p.isSidecar(c) && (image != "" && image != p.Mesh.OwnImage || c.value.Entry("command").Len() > 0):
		return fmt.Sprintf("the container %s brings a program of its own in place of the sidecar: write image: %s, and no command", c.name, p.Mesh.OwnImage)
	}
	return ""
}

// isSidecar reports whether a container adjusts the mesh's own.
func (p *Policy) isSidecar(c container) bool { return c.name != "" && c.name == p.Mesh.Sidecar }

// letting is what an annotation, or a word in it, may let bypass.
type letting struct {
	word string
	lets traffic.Layer
	// exact says that it is no more than it says, and doubt why it may be nothing.
	exact bool
	doubt string
}

// lets gives what an annotation may let bypass for which there is no traffic field,
// beside others of the pod that may put it out of force.
func (p *Policy) lets(annotation, value string, beside map[string]string) []letting {
	other, opens := p.Mesh.Other(annotation)
	if !opens || stands(other.Unless, beside) {
		return nil
	}
	if other.Words == nil {
		lets, exact := other.Lets(value)
		if exact && value == other.OnlyIPv4 && value != "" {
			return []letting{{"", mesh.OpensOutbound.Of(lets), true, other.Doubt}, {"", mesh.OpensInbound.Of(lets), true, "over IPv6 alone"}}
		}
		return []letting{{"", lets, exact, other.Doubt}}
	}
	said, any := spoken(value, other.Words)
	if any {
		return []letting{{lets: other.Opens.Everything()}}
	}
	var all []letting
	for _, s := range said {
		if word, _ := other.Words.Find(s.word); !stands(word.Unless, beside) {
			lets, exact := other.Word(s.word, s.value)
			all = append(all, letting{s.word, lets, exact, word.Doubt})
		}
	}
	return all
}

// stands reports whether one of some annotations is there.
func stands(keys []string, annotations map[string]string) bool {
	return slices.ContainsFunc(keys, func(key string) bool { _, there := annotations[key]; return there })
}

// Opens reports whether an annotation may let something bypass for which there is no
// traffic field.
func (p *Policy) Opens(annotation, value string) bool {
	return slices.ContainsFunc(p.lets(annotation, value, nil), func(one letting) bool { return !one.lets.IsZero() })
}

// spokenWord is a word that a text says, and its value.
type spokenWord struct{ word, value string }

// spoken gives the words for a key that a text in YAML has, at any depth. any says that
// it may bring in any of them. So may a text that cannot be read.
func spoken(text string, words mesh.Words) (said []spokenWord, any bool) {
	document, err := node.Parse([]byte(text))
	return said, err != nil || says(document, words, &said)
}

// breaking are characters by which a text ends in YAML that holds it as it is.
// oddBreaks are those that JSON leaves as they are, so that the entry of a list ends
// by them too (istio manifests/charts/istio-control/istio-discovery/files/injection-template.yaml,
// PROXY_CONFIG).
const (
	breaking  = "\"\\\n\r"
	oddBreaks = "\u0085\u2028\u2029"
)

// oddKey matches what is another name to YAML than it is as text, as by a comment, a
// tag or quotes.
var oddKey = pattern.Of(`[^\w./<-]`)

func says(n *yaml.Node, words mesh.Words, said *[]spokenWord) (any bool) {
	for i, child := range n.Content {
		// Istio's injection template writes keys and values into YAML as they are,
		// but no entry of a list, such as a certificate.
		text, listed := node.Of(child).Text(), n.Kind == yaml.SequenceNode && child.Anchor == ""
		if says(child, words, said) || strings.ContainsAny(text, oddBreaks) || !listed && strings.ContainsAny(text, breaking) {
			return true
		}
		if n.Kind != yaml.MappingNode || i%2 == 1 {
			continue
		}
		if oddKey.Matches(text) {
			return true
		}
		value := node.Of(n.Content[i+1])
		if _, known := words.Find(text); known && !value.IsScalar() {
			return true
		} else if known {
			*said = append(*said, spokenWord{text, value.Text()})
		}
	}
	return false
}

// identities are the fields of a security context that say as whom one runs.
var identities = [2]string{mesh.AsUser, mesh.AsGroup}

// as reads them, as Kubernetes reads a number however it is written; "" for what
// is not there.
func as(context node.Value) (ids [2]string) {
	for i, field := range identities {
		var id float64
		if value := context.Entry(field); value.Digits() != "" {
			ids[i] = value.Digits()
		} else if value.IsScalar() && !value.IsNull() && value.Decode(&id) == nil {
			ids[i] = strconv.FormatFloat(id, 'f', -1, 64)
		}
	}
	return ids
}
