package lint

import (
	"slices"
	"strconv"

	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/finding"
	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
	"github.com/krm-bypass/krm-bypass/internal/transform"
)

// examination is what checks of one pod have at hand.
type examination struct {
	reporter
	workload *Workload
	// object and pod are the object as it was planned, and the pod's spec in it.
	object, pod node.Value
	// own and template are the annotations of the object and of its template.
	own, template node.Value
	containers    []container
}

// annotation gives the value of an annotation of the template, "" where there is
// none.
func (e *examination) annotation(key string) string {
	return e.template.Entry(key).Text()
}

// container is a container, and where it stands in the pod's spec.
type container struct {
	node.Value
	list  string
	index int
	// accounted says that it is one of our init containers, as the spec writes it.
	accounted bool
}

func (c container) name() string { return c.Entry("name").Text() }

func (c container) privileged() bool { return c.Below("securityContext", "privileged").Truth() }

// path leads to a field of the container.
func (e *examination) path(c container, field ...any) edit.Path {
	return append(append(slices.Clone(e.workload.spec), c.list, c.index), field...)
}

// containerLists are the lists of containers in a pod's spec.
var containerLists = []string{"initContainers", "containers"}

func (l *Linter) examination(plan *transform.Plan, document node.Value, item int) *examination {
	seen := plan.Workload
	about := seen.Named()
	about.Item = item
	w := &Workload{
		Object: about, annotations: l.interned(seen.TemplatePath("metadata", "annotations")), spec: l.interned(seen.TemplatePath("spec")), namespace: plan.Namespace,
		bypass:  l.bypassOf(plan),
		on:      plan.Mesh(),
		intact:  !plan.Decided,
		written: plan.Applies, contained: plan.Container,
		byIptables: plan.Container && l.policy.Enforcement.Backend == transform.RawSocketBackend,
	}
	_, sign := plan.PlaneBy()
	w.certain = sign != ""
	accept := func(kind *finding.Kind) *transform.Acceptance { return l.policy.Accepts(kind, plan) }
	e := &examination{reporter: reporter{linter: l, accept: accept, proxy: w.on.Proxy()}, workload: w, object: seen.In(document, seen.Path())}
	template := seen.Template(document)
	e.pod = template.Entry("spec")
	e.own = e.object.Below("metadata", "annotations")
	e.template = template.Below("metadata", "annotations")
	var selector map[string]string
	if w.opensInbound() {
		selector = e.object.Below("spec", "selector", "matchLabels").Strings()
	}
	w.labels = labelsOf(seen.TemplateLabels, selector)
	if w.opensOutbound() {
		w.capture = e.capture(plan)
	}
	if w.byIptables {
		w.interception = e.interception(plan)
	}
	for _, list := range containerLists {
		e.lookAt(list)
	}
	if l.minds {
		w.spared, w.acceptable = l.sparedOf(plan), l.policy.Accepting(finding.PlainText, plan)
	}
	if len(l.policy.Acceptances) > 0 {
		w.parts = l.partsOf(plan, w.bypass)
	}
	for _, at := range plan.ContainersAt {
		if at < len(e.containers) {
			e.containers[at].accounted = true // the init containers come first
		}
	}
	return e
}

// lookAt notes what matters of the containers of a list.
func (e *examination) lookAt(list string) {
	w := e.workload
	for i, one := range e.pod.Entry(list).Items() {
		e.containers = append(e.containers, container{one, list, i, false})
		// Of the init containers, those that stay have ports that count
		// (kubernetes/kubernetes pkg/api/v1/pod/util.go, FindPort).
		if list == "initContainers" && one.Entry("restartPolicy").Text() != "Always" {
			continue
		}
		for _, port := range one.Entry("ports").Items() {
			number, err := strconv.ParseUint(port.Entry("containerPort").Text(), 10, 16)
			name := port.Entry("name").Text()
			if err != nil || name == "" {
				continue
			}
			said := namedPort{name, port.Entry("protocol").Text(), uint16(number)}
			w.ports = append(w.ports, said)
			if w.inbound.Contains(traffic.TCP, said.number) { // else no Service leads past the sidecar by it
				w.named = append(w.named, said)
			}
		}
	}
}
