package suggest

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"

	"github.com/krm-bypass/krm-bypass/internal/each"
	"github.com/krm-bypass/krm-bypass/internal/finding"
	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/object"
	"github.com/krm-bypass/krm-bypass/internal/pass"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
	"github.com/krm-bypass/krm-bypass/internal/transform"
)

// Input are manifests, and the policy that there is for them. Again gives the same anew,
// to try suggestions with.
type Input struct {
	Items  []pass.Item
	Heads  []object.Type
	Uses   pass.Uses
	Policy *transform.Policy
	Again  func() *transform.Policy
}

// tree is what the sources see of manifests.
type tree struct {
	Input
	workloads []*workload
	// inside are the workloads by namespace.
	inside   map[string][]*workload
	services []*service
	// called are the Services by namespace and name.
	called map[[2]string]*service
	// beside are the other objects that sources read, by their kinds.
	beside map[string][]*thing

	suggestions []*Suggestion
	known       map[string]*Suggestion
	notes       []Note
	// passed are workloads for which nothing is proposed, by why.
	passed map[string][]string
}

// thing is an object and where it stands.
type thing struct {
	*transform.Object
	node.Value
	in *pass.Document
	// namespace is the object's as the policy has it.
	namespace string
}

// at names the object with its place, and one of its fields.
func (o *thing) at(path ...any) string {
	return o.ID() + placed(o.in.Locate(o.Object, o.Path(path...)))
}

// placed writes a place behind what stands there.
func placed(at pass.Place) string {
	switch {
	case at.File == "":
		return ""
	case at.Line == 0:
		return " (" + at.File + ")"
	}
	return fmt.Sprintf(" (%s:%d)", at.File, at.Line)
}

// workload is a pod template that rules may be for.
type workload struct {
	*transform.Workload
	namespace string
	// name is the workload with its place.
	name string
	// settings are what bypasses already, and left is why no rule would be written.
	settings traffic.Settings
	left     string
	host     bool
	account  string
	// resolvers are the DNS servers that the pod names itself.
	resolvers  []string
	containers []container
	replicas   string
	headless   string
}

// container is a container of a pod; early says that it is an init container that ends.
type container struct {
	name, image string
	early       bool
	ports       []port
	// words are what the command, the arguments and the environment say.
	words []string
}

type port struct {
	name, protocol string
	number         uint16
}

// ports are those of the containers that stay.
func (w *workload) ports() (all []port) {
	for _, c := range w.containers {
		if !c.early {
			all = append(all, c.ports...)
		}
	}
	return all
}

// port gives the TCP port of the pod by a number or a name, 0 for none.
func (w *workload) port(text string) uint16 {
	if n := number(text); n != 0 {
		return n
	}
	for _, p := range w.ports() {
		if p.name == text && p.protocol == "TCP" {
			return p.number
		}
	}
	return 0
}

// has reports whether the pods have all of the labels.
func (w *workload) has(labels map[string]string) bool { return have(w.TemplateLabels, labels) }

func have(all, some map[string]string) bool {
	for key, value := range some {
		if is, there := all[key]; !there || is != value {
			return false
		}
	}
	return true
}

// service is a Service.
type service struct {
	*thing
	selector, labels map[string]string
	ports            []servicePort
}

type servicePort struct {
	port
	index int
	// target is a number or a name.
	target string
	app    string
}

func (s *service) headless() bool { return s.Below("spec", "clusterIP").Text() == "None" }

// leads gives the workloads to which the Service leads.
func (t *tree) leads(s *service) (all []*workload) {
	if len(s.selector) == 0 || s.Below("spec", "type").Text() == "ExternalName" {
		return nil
	}
	for _, w := range t.inside[s.namespace] {
		if w.has(s.selector) {
			all = append(all, w)
		}
	}
	return all
}

// beside are the kinds that sources read beside workloads and Services.
func besides() map[string]bool {
	kinds := map[string]bool{"Namespace": true, "Service": true}
	for _, s := range sources {
		if s.reads == nil {
			continue
		}
		for _, kind := range s.reads() {
			kinds[kind] = true
		}
	}
	return kinds
}

// kindOf names a kind with its group.
func kindOf(t object.Type) string {
	if group := object.Group(t.APIVersion); group != "" {
		return t.Kind + "." + group
	}
	return t.Kind
}

// read looks at the manifests. The findings are of what cannot be read.
func read(in Input) (*tree, []pass.Finding) {
	t := &tree{Input: in, inside: map[string][]*workload{}, called: map[[2]string]*service{}, beside: map[string][]*thing{}, known: map[string]*Suggestion{}, passed: map[string][]string{}}
	found, run := t.plan(in.Policy, func(d *pass.Document) (all []*workload) {
		for _, plan := range d.Workloads {
			all = append(all, t.workload(d, plan))
		}
		return all
	})
	if run.Broken || run.Malformed {
		return nil, slices.DeleteFunc(found, func(f pass.Finding) bool { return f.Kind != nil || f.Severity != transform.Error })
	}
	t.unseen(found)
	wanted := besides()
	for i, head := range in.Heads {
		if !head.List && !wanted[kindOf(head)] {
			continue
		}
		document, err := in.Items[i].Decoded()
		if err != nil {
			return nil, []pass.Finding{in.Items[i].Broken(err)}
		}
		d := &pass.Document{Item: in.Items[i], At: i, Nodes: document}
		transform.Objects(d.Part, document, func(is object.Type) bool { return wanted[kindOf(is)] }, func(o *transform.Object, found object.Object) {
			one := &thing{o, found.Value, d, cmp.Or(o.Namespace, in.Policy.Namespace)}
			kind := kindOf(found.Type)
			t.beside[kind] = append(t.beside[kind], one)
			if kind == "Service" {
				s := serviceOf(one)
				t.services = append(t.services, s)
				t.called[[2]string{s.namespace, s.Name}] = s
			}
		})
	}
	return t, nil
}

// unseen says what cannot be looked into, once for each reason.
func (t *tree) unseen(found []pass.Finding) {
	by := map[string][]string{}
	for _, f := range found {
		if f.Kind == finding.LaterRendered || f.Kind == finding.UnknownPodTemplate {
			by[f.Message] = append(by[f.Message], about(f))
		}
	}
	for _, says := range slices.Sorted(maps.Keys(by)) {
		t.note("%s: not looked into: %s", few(by[says]), says)
	}
}

// plan runs a policy over the manifests, and gathers what view sees of each document.
func (t *tree) plan(policy *transform.Policy, view func(*pass.Document) []*workload) ([]pass.Finding, *pass.Pass) {
	var mu sync.Mutex
	seen := map[int][]*workload{}
	p := &pass.Pass{Policy: policy, Items: t.Items, Heads: t.Heads, Uses: t.Uses, Asked: true}
	if view != nil {
		p.Planned = func(d *pass.Document) {
			all := view(d)
			mu.Lock()
			defer mu.Unlock()
			seen[d.At] = all
		}
	}
	found := p.Run()
	for _, at := range slices.Sorted(maps.Keys(seen)) {
		for _, w := range seen[at] {
			t.workloads = append(t.workloads, w)
			t.inside[w.namespace] = append(t.inside[w.namespace], w)
		}
	}
	return found, p
}

func (t *tree) workload(d *pass.Document, plan *transform.Plan) *workload {
	seen := plan.Workload
	w := &workload{
		Workload: seen, namespace: cmp.Or(plan.Namespace, seen.Namespace, t.Policy.Namespace), settings: plan.Settings,
		left: t.Policy.LeftAlone(seen), name: seen.ID() + placed(d.Locate(&seen.Object, seen.Path())),
	}
	whole := node.Of(d.Nodes)
	template := seen.Template(whole)
	pod := template.Entry("spec")
	w.host = pod.Entry("hostNetwork").Truth()
	w.account = pod.Entry("serviceAccountName").Text()
	w.resolvers = each.As(pod.Below("dnsConfig", "nameservers").Items(), node.Value.Text)
	spec := seen.In(whole, seen.Path("spec"))
	w.replicas, w.headless = spec.Entry("replicas").Text(), spec.Entry("serviceName").Text()
	for _, list := range []string{"initContainers", "containers"} {
		for _, one := range pod.Entry(list).Items() {
			if c := containerOf(one); c.name != transform.InitName {
				c.early = list == "initContainers" && one.Entry("restartPolicy").Text() != "Always"
				w.containers = append(w.containers, c)
			}
		}
	}
	return w
}

func containerOf(v node.Value) container {
	c := container{name: v.Entry("name").Text(), image: v.Entry("image").Text()}
	c.ports = each.As(v.Entry("ports").Items(), func(p node.Value) port { return portOf(p, "containerPort") })
	for _, list := range []string{"command", "args"} {
		c.words = append(c.words, each.As(v.Entry(list).Items(), node.Value.Text)...)
	}
	for _, variable := range v.Entry("env").Items() {
		c.words = append(c.words, variable.Entry("value").Text())
	}
	return c
}

func portOf(v node.Value, field string) port {
	return port{v.Entry("name").Text(), cmp.Or(v.Entry("protocol").Text(), "TCP"), number(v.Entry(field).Text())}
}

// number gives a port by its number, 0 for what is none.
func number(text string) uint16 {
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return 0
	}
	return uint16(n)
}

func serviceOf(o *thing) *service {
	s := &service{thing: o, selector: o.Below("spec", "selector").Strings(), labels: o.Below("metadata", "labels").Strings()}
	for i, p := range o.Below("spec", "ports").Items() {
		one := servicePort{port: portOf(p, "port"), index: i, app: p.Entry("appProtocol").Text()}
		one.target = cmp.Or(p.Entry("targetPort").Text(), strconv.Itoa(int(one.number)))
		s.ports = append(s.ports, one)
	}
	return s
}

// standing says whether pods are in the mesh.
type standing int

const (
	unknown standing = iota
	inside
	outside
)

// standing says it of a workload, and by what that is known.
func (t *tree) standing(w *workload) (standing, string) {
	m := t.Policy.Mesh
	if w.host {
		return outside, "it uses the host's network"
	}
	if reason := m.Unmeshed(w.TemplateLabels, w.TemplateAnnotations); reason != "" {
		return outside, reason
	}
	if m.Joins(mesh.OnPod, w.TemplateLabels, w.TemplateAnnotations) {
		return inside, "its template says so"
	}
	for _, n := range t.beside["Namespace"] {
		if n.Name != w.namespace {
			continue
		}
		labels := n.Below("metadata", "labels").Strings()
		switch reason := m.UnmeshedNamespace(labels, n.Annotations); {
		case m.Joins(mesh.OnNamespace, labels, n.Annotations):
			return inside, n.at() + " says so"
		case reason != "":
			return outside, n.at("metadata") + " " + reason
		case m.JoinsByAsking():
			return outside, n.at() + " has no label or annotation for a sidecar"
		}
	}
	return unknown, ""
}

// ambient says by what pods are in Ambient that the policy takes for pods with a sidecar,
// "" where nothing says so.
func (t *tree) ambient(w *workload) string {
	m := t.Policy.Mesh
	label := m.PlaneLabel()
	plane, _ := m.Certain(w.TemplateLabels, w.TemplateAnnotations)
	if label.Key == "" || plane != "" || t.Policy.DataPlane(w.Workload) != mesh.Sidecar {
		return ""
	}
	if value, says := w.TemplateLabels[label.Key]; says {
		if value == label.Value {
			return "label " + label.Key + " of the template"
		}
		return ""
	}
	for _, n := range t.beside["Namespace"] {
		labels := n.Below("metadata", "labels").Strings()
		if n.Name == w.namespace && labels[label.Key] == label.Value && m.UnmeshedNamespace(labels, n.Annotations) != "" {
			return n.at("metadata", "labels") + ", label " + label.Key
		}
	}
	return ""
}
