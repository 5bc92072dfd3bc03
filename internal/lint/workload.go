package lint

import (
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
	"github.com/krm-bypass/krm-bypass/internal/transform"
)

// Workload is what the checks need to see of a planned workload. Many are held
// at once, so it holds no more.
type Workload struct {
	*transform.Object
	// name is the object's in messages.
	name     string
	template edit.Path
	// namespace is the workload's as the policy has it, "" where it is unknown.
	namespace string
	labels    podLabels
	*bypass
	// written says that anything is, contained that the init container is.
	written, contained bool
	// isPod says that the object is itself the pod.
	isPod bool
	// named are the container ports that have a name and bypass the sidecar.
	named []namedPort
	// environment is what the template's annotation sets for the sidecar.
	environment map[string]string
}

// bypass is what bypasses the sidecar, shared by the workloads of which it is
// the same.
type bypass struct {
	settings traffic.Settings
	// inbound are the TCP ports that callers reach without the sidecar, less
	// those of the mesh.
	inbound traffic.Ports
	// beyond are the fields that annotations of the mesh cannot say wholly.
	beyond []traffic.Field
}

// bypassOf gives what bypasses by a plan.
func (l *Linter) bypassOf(plan *transform.Plan) *bypass {
	key := plan.Annotations[transform.PolicyAnnotation]
	if key == "" {
		key = plan.Settings.String()
	}
	if known, there := l.bypasses.Load(key); there {
		return known.(*bypass)
	}
	b := &bypass{settings: plan.Settings, inbound: inboundOf(plan.Settings, l.mesh)}
	for _, g := range plan.Gaps {
		b.beyond = append(b.beyond, g.Field)
	}
	shared, _ := l.bypasses.LoadOrStore(key, b)
	return shared.(*bypass)
}

// podLabels are the labels of a workload's pods. A slice of them is a fraction of
// a map.
type podLabels []podLabel

type podLabel struct {
	key, value string
	// selecting says that the workload knows its pods by it.
	selecting bool
}

func (l podLabels) value(key string) (value string, there bool) {
	for _, one := range l {
		if one.key == key {
			return one.value, true
		}
	}
	return "", false
}

// have says whether all of the labels are among them.
func (l podLabels) have(labels map[string]string) bool {
	for key, value := range labels {
		if have, there := l.value(key); !there || have != value {
			return false
		}
	}
	return true
}

// selection gives labels by which to select the pods, and as far as the workload
// says how, no others.
func (l podLabels) selection() map[string]string {
	all := !slices.ContainsFunc(l, func(one podLabel) bool { return one.selecting })
	labels := map[string]string{}
	for _, one := range l {
		if all || one.selecting {
			labels[one.key] = one.value
		}
	}
	return labels
}

func labelsOf(pods, selector map[string]string) podLabels {
	labels := make(podLabels, 0, len(pods))
	for key, value := range pods {
		selected, selecting := selector[key]
		labels = append(labels, podLabel{key, value, selecting && selected == value})
	}
	slices.SortFunc(labels, func(a, b podLabel) int { return strings.Compare(a.key, b.key) })
	return labels
}

type namedPort struct {
	name, protocol string
	number         uint16
}

func (w *Workload) opensInbound() bool { return !w.inbound.IsEmpty() }

func (w *Workload) opensOutbound() bool {
	s := w.settings
	return !s.ExcludeOutboundPorts.IsEmpty() || !s.ExcludeOutboundIPRanges.IsEmpty() || !s.IncludeOutboundIPRanges.All() || !s.ExcludeOutbound.IsEmpty()
}

func (w *Workload) id() string { return w.name }

// annotation is the path of an annotation of the template.
func (w *Workload) annotation(key string) edit.Path {
	return append(slices.Clone(w.template), "metadata", "annotations", key)
}

// inboundOf gives the TCP ports that bypass the sidecar on their way in. The
// mesh's own ports are its affair: it leaves them out by itself.
func inboundOf(s traffic.Settings, m *mesh.Mesh) traffic.Ports {
	ports := s.Inbound().Of(traffic.TCP)
	return ports.Without(m.Own(ports))
}

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

// container is as much of a container as matters here.
type container struct {
	name, image string
	privileged  bool
	list        string
	index       int
}

// path leads to a field of the container.
func (e *examination) path(c container, field ...any) edit.Path {
	return append(append(slices.Clone(e.workload.template), "spec", c.list, c.index), field...)
}

// containerLists are the lists of containers in a pod's spec.
var containerLists = []string{"initContainers", "containers"}

func (l *Linter) examination(plan *transform.Plan, document *yaml.Node, item int) *examination {
	seen := plan.Workload
	about := seen.Named()
	about.Item = item
	w := &Workload{
		Object: about, name: about.ID(), template: l.interned(seen.TemplatePath()), namespace: plan.Namespace,
		bypass:  l.bypassOf(plan),
		written: plan.Applies, contained: plan.Container, isPod: len(seen.TemplatePath()) == len(seen.Path()),
	}
	e := &examination{reporter: reporter{linter: l}, workload: w, object: node.Of(document).At(seen.Path()...)}
	template := node.Of(document).At(seen.TemplatePath()...)
	e.pod = template.Entry("spec")
	e.own = e.object.Below("metadata", "annotations")
	e.template = template.Below("metadata", "annotations")
	var selector map[string]string
	if w.opensInbound() {
		selector = e.object.Below("spec", "selector", "matchLabels").Strings()
	}
	w.labels = labelsOf(seen.TemplateLabels, selector)
	w.environment = sidecarEnvironment(e.annotation(proxyAnnotation))
	for _, list := range containerLists {
		e.lookAt(list)
	}
	return e
}

// lookAt notes what matters of the containers of a list.
func (e *examination) lookAt(list string) {
	w := e.workload
	for i, one := range e.pod.Entry(list).Items() {
		c := container{
			name: one.Entry("name").Text(), image: one.Entry("image").Text(),
			privileged: one.Below("securityContext", "privileged").Truth(),
			list:       list, index: i,
		}
		e.containers = append(e.containers, c)
		// Of the init containers, those that stay have ports that count
		// (kubernetes/kubernetes pkg/api/v1/pod/util.go, FindPort).
		if !w.opensInbound() || list == "initContainers" && one.Entry("restartPolicy").Text() != "Always" {
			continue
		}
		for _, port := range one.Entry("ports").Items() {
			number, err := strconv.ParseUint(port.Entry("containerPort").Text(), 10, 16)
			name := port.Entry("name").Text()
			if err != nil || name == "" || !w.inbound.Contains(traffic.TCP, uint16(number)) {
				continue // no Service leads past the sidecar by it
			}
			w.named = append(w.named, namedPort{name, port.Entry("protocol").Text(), uint16(number)})
		}
	}
}

// port gives the TCP port of the pod that a Service's targetPort leads to; 0
// where it is a name that the pod does not have.
func (w *Workload) port(target string) uint16 {
	if number, err := strconv.ParseUint(target, 10, 16); err == nil {
		return uint16(number)
	}
	for _, p := range w.named {
		if p.name == target && (p.protocol == "" || p.protocol == "TCP") {
			return p.number
		}
	}
	return 0
}

// interned gives one path for all that are equal.
func (l *Linter) interned(path edit.Path) edit.Path {
	shared, _ := l.paths.LoadOrStore(path.String(), path)
	return shared.(edit.Path)
}
