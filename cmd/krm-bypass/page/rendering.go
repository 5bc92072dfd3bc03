package page

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/object"
	"github.com/krm-bypass/krm-bypass/internal/spec"
)

// Rendering is what a specification makes of files, or another of it.
type Rendering struct {
	Was, Is []fn.Manifest
	// Problems say why there is nothing, a line each.
	Problems []string
}

// Since gives what another specification makes of what this one makes of the files.
func (r Rendering) Since(later Rendering) Rendering {
	return Rendering{Was: r.Is, Is: later.Is, Problems: append(slices.Clip(r.Problems), later.Problems...)}
}

// Of gives what changes in the documents that hold an object.
func (r Rendering) Of(ref fn.ResourceRef) string {
	name := []byte(ref.Name)
	var there Rendering
	for i := range min(len(r.Was), len(r.Is)) { // cutting a file into documents takes longer than looking for a name
		if bytes.Contains(r.Was[i].Text, name) || bytes.Contains(r.Is[i].Text, name) {
			there.Was, there.Is = append(there.Was, r.Was[i]), append(there.Is, r.Is[i])
		}
	}
	there.Problems = r.Problems
	all, _ := there.differences(func(was, is object.Document) bool {
		return bytes.Contains(was.Text, name) || bytes.Contains(is.Text, name)
	}, func(o fn.ResourceRef) bool {
		o.Namespace = cmp.Or(o.Namespace, ref.Namespace)
		return o == ref
	}, -1)
	return all
}

// All gives what changes, in as many documents as are asked for.
func (r Rendering) All(most int) string {
	all, more := r.differences(func(_, _ object.Document) bool { return true }, func(fn.ResourceRef) bool { return true }, most)
	if more > 0 {
		all += fmt.Sprintf("@@ and %d more objects: krm-bypass render --diff shows them all @@\n", more)
	}
	return all
}

// differences compares documents. One has the same place in both texts of a file, since
// a specification changes documents and adds none.
func (r Rendering) differences(may func(was, is object.Document) bool, wanted func(fn.ResourceRef) bool, most int) (all string, more int) {
	var b strings.Builder
	for _, problem := range r.Problems {
		fmt.Fprintf(&b, "@@ not rendered: %s\n", problem)
	}
	for i := range min(len(r.Was), len(r.Is)) {
		if bytes.Equal(r.Was[i].Text, r.Is[i].Text) {
			continue
		}
		was, is := object.Documents(r.Was[i].Text), object.Documents(r.Is[i].Text)
		for at := range min(len(was), len(is)) {
			if bytes.Equal(was[at].Text, is[at].Text) || !may(was[at], is[at]) {
				continue
			}
			if most == 0 {
				more++
				continue
			}
			if d := between(was[at], is[at]); slices.ContainsFunc(d.objects, wanted) && d.lines.Len() > 0 {
				fmt.Fprintf(&b, "@@ %s, %s:%d @@\n%s", d.title(), r.Is[i].Path, was[at].Line, d.lines.String())
				most--
			}
		}
	}
	return b.String(), more
}

// Between gives what changes in each of some objects from one state of the manifests to
// another, if both have it.
func Between(was, is []fn.Manifest, wanted func(fn.ResourceRef) bool) map[fn.ResourceRef]string {
	had, same := textsIn(was), map[string]bool{}
	for text := range textsIn(is) {
		same[text] = had[text]
	}
	before := map[fn.ResourceRef]node.Value{}
	eachOther(was, same, func(_ string, o object.Object) { before[refOf(o)] = o.Value })
	all := map[fn.ResourceRef]string{}
	eachOther(is, same, func(place string, o object.Object) {
		ref := refOf(o)
		earlier, there := before[ref]
		if !there || !wanted(ref) {
			return
		}
		var d difference
		if d.compare(earlier, o.Value, 0); d.lines.Len() > 0 {
			all[ref] = fmt.Sprintf("@@ %s, %s @@\n%s", object.Named(ref.Kind, ref.Namespace, ref.Name), place, d.lines.String())
		}
	})
	return all
}

// textsIn gives the texts of all documents.
func textsIn(files []fn.Manifest) map[string]bool {
	all := map[string]bool{}
	for _, f := range files {
		for _, d := range object.Documents(f.Text) {
			all[string(d.Text)] = true
		}
	}
	return all
}

// eachOther goes through the objects in documents that are not the same.
func eachOther(files []fn.Manifest, same map[string]bool, do func(place string, o object.Object)) {
	for _, f := range files {
		for _, d := range object.Documents(f.Text) {
			if same[string(d.Text)] { // decoding takes long
				continue
			}
			document, err := object.Decode(d.Fragment())
			if err != nil || spec.Configures(document) {
				continue
			}
			object.Each(document, func(object.Type) bool { return false }, func(o object.Object) { do(place(f.Path, d.Line), o) })
		}
	}
}

func refOf(o object.Object) fn.ResourceRef {
	metadata := o.Entry("metadata")
	return fn.ResourceRef{APIVersion: o.Type.APIVersion, Kind: o.Type.Kind, Namespace: metadata.Entry("namespace").Text(), Name: metadata.Entry("name").Text()}
}

// difference is what changes in a document: the values that change, and the keys above
// them. Nothing else of the document is in it, however it is written: what stands beside
// may be nobody's business, such as the value of a variable or a Secret.
type difference struct {
	objects []fn.ResourceRef
	lines   strings.Builder
	// inEnv says that it is within variables, of which no value is shown.
	inEnv bool
}

func (d *difference) title() string {
	var names []string
	for _, ref := range d.objects {
		names = append(names, object.Named(ref.Kind, ref.Namespace, ref.Name))
	}
	if most := 3; len(names) > most {
		names = append(names[:most], fmt.Sprintf("and %d more", len(names)-most))
	}
	return strings.Join(names, ", ")
}

func between(was, is object.Document) *difference {
	var d difference
	// Both have been decoded before, when they were rendered.
	before, errBefore := object.Decode(was.Fragment())
	after, errAfter := object.Decode(is.Fragment())
	if errBefore != nil || errAfter != nil || spec.Configures(before) { // which is shown by itself
		return &d
	}
	object.Each(after, func(object.Type) bool { return false }, func(o object.Object) {
		d.objects = append(d.objects, refOf(o))
	})
	d.compare(node.Of(before), node.Of(after), 0)
	return &d
}

// compare notes what differs between two values that stand in the same place. It says
// whether both are of a kind into which it can look.
func (d *difference) compare(was, is node.Value, depth int) bool {
	switch {
	case was.Digest() == is.Digest():
	case depth == maxDepth:
		return false
	case was.IsMapping() && is.IsMapping():
		for e := range was.Entries() {
			if now := is.Entry(e.Key); !now.Exists() {
				d.add("-", depth, node.Map(node.Str(e.Key), plain(e.Value, 0)))
			}
		}
		for e := range is.Entries() {
			before := was.Entry(e.Key)
			if before.Exists() {
				d.inside(depth, e.Key+":", before, e.Value, func(v node.Value) *yaml.Node { return node.Map(node.Str(e.Key), plain(v, 0)) })
				continue
			}
			d.add("+", depth, node.Map(node.Str(e.Key), plain(e.Value, 0)))
		}
	case was.IsList() && is.IsList():
		d.items(was.Items(), is.Items(), depth)
	default:
		return false
	}
	return true
}

// maxDepth is how deep it looks into values.
const maxDepth = 64

// inside notes what differs in a value below a heading, or the whole value.
func (d *difference) inside(depth int, heading string, was, is node.Value, whole func(node.Value) *yaml.Node) {
	if was.Digest() == is.Digest() {
		return
	}
	below := difference{inEnv: d.inEnv || heading == "env:"}
	if below.compare(was, is, depth+1) {
		if below.lines.Len() > 0 {
			d.line(" ", depth, heading)
			d.lines.WriteString(below.lines.String())
		}
		return
	}
	d.add("-", depth, whole(was))
	d.add("+", depth, whole(is))
}

// items compares lists whose items are told apart by their names, or by all that they
// say.
func (d *difference) items(was, is []node.Value, depth int) {
	index := func(all []node.Value, of node.Value) int {
		return slices.IndexFunc(all, func(v node.Value) bool { return identity(v) == identity(of) })
	}
	for _, v := range was {
		if index(is, v) < 0 {
			d.add("-", depth, node.Seq(plain(v, 0)))
		}
	}
	for _, v := range is {
		i := index(was, v)
		if i < 0 {
			d.add("+", depth, node.Seq(plain(v, 0)))
			continue
		}
		d.inside(depth, "- name: "+v.Entry("name").Text(), was[i], v, func(v node.Value) *yaml.Node { return node.Seq(plain(v, 0)) })
	}
}

func identity(v node.Value) string {
	if name := v.Entry("name"); name.IsScalar() {
		return "name " + name.Text()
	}
	return v.Digest()
}

// plain gives a value without comments, anchors and aliases. The values of variables are
// left out.
func plain(v node.Value, depth int) *yaml.Node {
	n := v.Node()
	switch {
	case n == nil || depth == maxDepth:
		return node.Str("…")
	case v.IsMapping():
		var entries []*yaml.Node
		for e := range v.Entries() {
			value := plain(e.Value, depth+1)
			if e.Key == "env" {
				value = veiled(value)
			}
			entries = append(entries, node.Str(e.Key), value)
		}
		return node.Map(entries...)
	case v.IsList():
		var items []*yaml.Node
		for _, item := range v.Items() {
			items = append(items, plain(item, depth+1))
		}
		return node.Seq(items...)
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: n.Tag, Value: n.Value, Style: n.Style & (yaml.DoubleQuotedStyle | yaml.SingleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle)}
}

// veiled takes the values of variables away.
func veiled(n *yaml.Node) *yaml.Node {
	for i, child := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 1 && n.Content[i-1].Value == "value" {
			n.Content[i] = node.Str("…")
			continue
		}
		veiled(child)
	}
	return n
}

// longest is how much of a line is shown.
const longest = 400

func (d *difference) add(sign string, depth int, n *yaml.Node) {
	if d.inEnv {
		n = veiled(n)
	}
	var b bytes.Buffer
	encoder := yaml.NewEncoder(&b)
	encoder.SetIndent(2)
	if encoder.Encode(n) != nil || encoder.Close() != nil {
		return // it was decoded, so that it can be encoded
	}
	for line := range strings.Lines(b.String()) {
		d.line(sign, depth, strings.TrimSuffix(line, "\n"))
	}
}

func (d *difference) line(sign string, depth int, text string) {
	if len(text) > longest {
		text = fmt.Sprintf("%s… (%d characters)", strings.ToValidUTF8(text[:longest], ""), len(text))
	}
	fmt.Fprintf(&d.lines, "%s%s%s\n", sign, strings.Repeat("  ", depth), text)
}
