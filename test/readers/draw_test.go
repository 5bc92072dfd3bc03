package readers

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// A draw is a stream of documents with odd things in it. The same seed and number
// give the same text.
type draw struct {
	*rand.Rand
	documents []*document
	// oddities are the names of those in it.
	oddities []string
	// last are done to the finished text.
	last []func(string) string
	// unused counts what each name and port is made of, so that no two
	// templates look the same.
	unused int
}

type document struct {
	// separator is the line before it, ended by its line break.
	separator string
	// root is the object, nil where raw is all there is.
	root *value
	form form
	// raw stands before the root, tail after it.
	raw, tail string
}

type form int

const (
	blockStyle form = iota
	flowStyle
	jsonLine
)

// drawn gives the stream with a number.
func drawn(seed, number uint64) *draw {
	d := &draw{Rand: rand.New(rand.NewPCG(seed, number))}
	for i := range 1 + d.IntN(3) {
		doc := &document{root: d.object()}
		if i > 0 {
			doc.separator = "---\n"
		}
		d.documents = append(d.documents, doc)
	}
	for range d.IntN(5) {
		o := oddities[d.IntN(len(oddities))]
		if o.apply(d) {
			d.oddities = append(d.oddities, o.name)
		}
	}
	return d
}

func (d *draw) text() []byte {
	var b strings.Builder
	for _, doc := range d.documents {
		b.WriteString(doc.separator + doc.raw)
		if doc.root != nil {
			switch doc.form {
			case blockStyle:
				b.WriteString(doc.root.block())
			case flowStyle:
				b.WriteString(doc.root.inline(false) + "\n")
			case jsonLine:
				b.WriteString(doc.root.inline(true) + "\n")
			}
		}
		b.WriteString(doc.tail)
	}
	text := b.String()
	for _, change := range d.last {
		text = change(text)
	}
	return []byte(text)
}

func (d *draw) next() int {
	d.unused++
	return 1000 + d.unused
}

// of picks one.
func of[T any](d *draw, from ...T) T { return from[d.IntN(len(from))] }

// object draws an object as people write them: mostly one with a pod template.
func (d *draw) object() *value {
	switch d.IntN(10) {
	case 0:
		return d.decoy()
	case 1:
		return d.pod()
	case 2:
		v := d.headed("batch/v1", "CronJob")
		v.set("spec", fields("schedule", quoted("@daily"), "jobTemplate", fields("spec", fields("template", d.template()))))
		return v
	case 3:
		v := d.headed("v1", "PodTemplate")
		v.set("template", d.template())
		return v
	case 4:
		return d.workload(of(d, "batch/v1 Job", "argoproj.io/v1alpha1 Rollout", "apps.kruise.io/v1alpha1 CloneSet", "serving.knative.dev/v1 Service", "v1 ReplicationController"))
	default:
		return d.workload(of(d, "apps/v1 Deployment", "apps/v1 Deployment", "apps/v1 StatefulSet", "apps/v1 DaemonSet"))
	}
}

// workload draws an object with spec.template.
func (d *draw) workload(head string) *value {
	apiVersion, kind, _ := strings.Cut(head, " ")
	v := d.headed(apiVersion, kind)
	v.set("spec", fields("selector", fields("matchLabels", fields("app", "web")), "template", d.template()))
	return v
}

func (d *draw) pod() *value {
	v := d.headed("v1", "Pod")
	v.at("metadata").set("annotations", d.annotations())
	v.set("spec", d.podSpec())
	return v
}

// decoy draws an object without a pod template.
func (d *draw) decoy() *value {
	switch d.IntN(3) {
	case 0:
		v := d.headed("v1", "ConfigMap")
		v.set("data", fields("key", "value"))
		return v
	case 1:
		v := d.headed("v1", "Service")
		v.set("spec", fields("ports", list(fields("port", "80"))))
		return v
	default:
		v := d.headed("example.com/v1", "Thing")
		v.set("spec", fields("template", d.template()))
		return v
	}
}

func (d *draw) headed(apiVersion, kind string) *value {
	metadata := fields("name", fmt.Sprintf("web-%d", d.next()))
	if d.IntN(3) == 0 {
		metadata.set("namespace", text("shop"))
	}
	return fields("apiVersion", apiVersion, "kind", kind, "metadata", metadata)
}

func (d *draw) template() *value {
	metadata := fields("labels", fields("app", "web"))
	metadata.set("annotations", fields())
	if d.IntN(8) > 0 {
		metadata.set("annotations", d.annotations())
	}
	if d.IntN(12) == 0 {
		metadata.at(of(d, "labels", "labels", "annotations")).set(inject, quoted(of(d, "false", "true")))
	}
	return fields("metadata", metadata, "spec", d.podSpec())
}

func (d *draw) podSpec() *value {
	return fields("containers", list(fields("name", "app", "image", "example.com/app:v1")))
}

const prefix = "traffic.sidecar.istio.io/"

func (d *draw) annotations() *value {
	v := fields(prefix+"excludeInboundPorts", d.port())
	if d.IntN(4) == 0 {
		v.set(prefix+"excludeOutboundPorts", d.port())
	}
	return v
}

func (d *draw) port() *value { return quoted(fmt.Sprint(d.next())) }

// A site is an entry of a mapping in one of the documents.
type site struct {
	document *document
	in       *value
	index    int
}

func (s site) entry() *entry { return &s.in.entries[s.index] }

// site picks an entry: with keys, one whose key is among them.
func (d *draw) site(keys ...string) (site, bool) {
	var sites []site
	for _, doc := range d.documents {
		if doc.root == nil {
			continue
		}
		doc.root.each(func(in *value) {
			for i, e := range in.entries {
				if len(keys) == 0 || contains(keys, e.key) {
					sites = append(sites, site{doc, in, i})
				}
			}
		})
	}
	if len(sites) == 0 {
		return site{}, false
	}
	return sites[d.IntN(len(sites))], true
}

// contains reports whether a word is among some, of which those that begin with a slash
// are parts of words.
func contains(words []string, word string) bool {
	for _, w := range words {
		if w == word || strings.HasPrefix(w, "/") && strings.Contains(word, w) {
			return true
		}
	}
	return false
}

// document picks one that has a root, if there is one.
func (d *draw) document() (*document, bool) {
	var with []*document
	for _, doc := range d.documents {
		if doc.root != nil {
			with = append(with, doc)
		}
	}
	if len(with) == 0 {
		return nil, false
	}
	return with[d.IntN(len(with))], true
}

// insert puts an entry into a mapping, anywhere.
func (d *draw) insert(in *value, e entry) {
	at := d.IntN(len(in.entries) + 1)
	in.entries = append(in.entries[:at], append([]entry{e}, in.entries[at:]...)...)
}
