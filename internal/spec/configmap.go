package spec

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/api/v1alpha1"
	"github.com/krm-bypass/krm-bypass/internal/each"
	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/object"
	"github.com/krm-bypass/krm-bypass/internal/spelling"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
	"github.com/krm-bypass/krm-bypass/internal/transform"
)

// dataValue is a value of a ConfigMap's data. kpt's command line writes numbers
// without quotes.
type dataValue string

// configMapObject is what of a ConfigMap is read.
type configMapObject struct {
	APIVersion string               `json:"apiVersion"`
	Kind       string               `json:"kind"`
	Metadata   v1alpha1.Metadata    `json:"metadata"`
	Data       map[string]dataValue `json:"data"`
}

// keyNamespace is the key of a ConfigMap's data that says the namespace of
// workloads which name none.
const keyNamespace = "namespace"

// key is one of a ConfigMap's data.
type key struct {
	name string
	// path is the field of the spec that it says.
	path string
	set  func(d *decoder, spec *v1alpha1.Spec, value, at string)
}

// keys gives those of a ConfigMap's data.
func keys() []key {
	return append([]key{
		{"mesh", "spec.mesh", func(_ *decoder, s *v1alpha1.Spec, value, _ string) { s.Mesh = value }},
		{"mode", enforcementPath + ".mode", setMode},
		{"image", enforcementPath + ".image", func(_ *decoder, s *v1alpha1.Spec, value, _ string) { s.Enforcement.Image = value }},
		{"dataPlane", transform.GlobalPath + ".dataPlane", setPlane},
		{keyNamespace, "spec.defaultNamespace", func(_ *decoder, s *v1alpha1.Spec, value, _ string) { s.DefaultNamespace = value }},
	}, trafficKeys()...)
}

// trafficKeys are those for the traffic fields of the global scope.
func trafficKeys() []key {
	var all []key
	for _, l := range lists {
		all = append(all, key{string(l.field), transform.GlobalPath + "." + string(l.field), func(_ *decoder, s *v1alpha1.Spec, value, _ string) {
			l.set(&s.Global.Traffic, split(value))
		}})
	}
	return append(all, key{string(traffic.ExcludeOutbound), transform.GlobalPath + "." + string(traffic.ExcludeOutbound), setPairs})
}

func setMode(d *decoder, s *v1alpha1.Spec, value, at string) {
	s.Enforcement.Mode = d.oneOf(typed[[]string](transform.Modes), value, at)
}

func setPlane(d *decoder, s *v1alpha1.Spec, value, at string) {
	s.Global.DataPlane = d.oneOf(typed[[]string](mesh.DataPlanes), value, at)
}

func (d *decoder) oneOf(valid []string, value, at string) string {
	if !slices.Contains(valid, value) {
		d.problem(nil, at, value, "%s", spelling.Refusal(value, valid))
	}
	return value
}

func setPairs(d *decoder, s *v1alpha1.Spec, value, at string) {
	for i, entry := range split(value) {
		ranges, ports, found := strings.Cut(entry, "@")
		if !found {
			d.problem(nil, fmt.Sprintf("%s[%d]", at, i), entry, "%s", NoPair(entry))
		}
		s.Global.ExcludeOutbound = append(s.Global.ExcludeOutbound, v1alpha1.Destination{IPRanges: v1alpha1.IPRangeList{v1alpha1.IPRange(ranges)}, Ports: v1alpha1.PortList{v1alpha1.Port(ports)}})
	}
}

// NoPair says of an entry that it is no pair.
func NoPair(entry string) string {
	return fmt.Sprintf(`%q is not a pair of an IP range and a port: write it as "10.1.0.0/16@5432"`, entry)
}

// configMap reads the flat form that kpt's command line writes (kpt fn eval ...
// -- key=value): lists are separated by commas.
func (d *decoder) configMap(root *yaml.Node) *v1alpha1.ClusterBypass {
	var cm configMapObject
	d.value(root, reflect.ValueOf(&cm).Elem(), "")
	spec := &v1alpha1.ClusterBypass{Spec: v1alpha1.Spec{Enforcement: &v1alpha1.Enforcement{}, Global: &v1alpha1.GlobalRule{}}}
	keys := keys()
	names := each.As(keys, func(k key) string { return k.name })
	for _, name := range slices.Sorted(maps.Keys(cm.Data)) {
		value, at := string(cm.Data[name]), join("data", name)
		if known := slices.Index(names, name); known >= 0 {
			keys[known].set(d, &spec.Spec, value, at)
			continue
		}
		if name == "forInitContainers" {
			d.problem(nil, at, name, "a ConfigMap has no place for this: write a ClusterBypass, and name it in place of the ConfigMap")
			continue
		}
		d.problem(nil, at, name, "%s", unknown("key", name, meant(name, names), names))
	}
	return spec
}

// dataPath gives the place in a ConfigMap of a field of the spec.
func dataPath(path string) string {
	if path == enforcementPath {
		return "data.image"
	}
	for _, k := range keys() {
		if !within(path, k.path) {
			continue
		}
		// A pair is one entry here, of which no part has a path.
		rest, part, _ := strings.Cut(path[len(k.path):], "].")
		if part != "" {
			rest += "]"
		}
		return "data." + k.name + rest
	}
	return path
}

func split(value string) []string {
	entries := []string{}
	for _, entry := range traffic.SplitList(value) {
		entries = append(entries, strings.TrimSpace(entry))
	}
	return entries
}

// OnlyNamespace reports whether the object is a ConfigMap that says nothing of
// traffic: kpt's command line sends an empty one where it is given no values (kpt
// fn eval ... without -- key=value). The namespace is that of workloads which
// name none.
func (s Source) OnlyNamespace() (namespace string, only bool) {
	if !isConfigMap(object.HeadOf(s.Node).Type) {
		return "", false
	}
	data := node.Of(s.Node).Entry("data")
	switch value := data.Entry(keyNamespace); {
	case !data.Exists():
		return "", true
	case !data.IsMapping():
		return "", false
	case data.Len() == 1 && value.IsScalar():
		return value.Text(), true
	}
	return "", data.Len() == 0
}
