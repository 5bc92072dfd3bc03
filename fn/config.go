package fn

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/object"
	"github.com/krm-bypass/krm-bypass/internal/spelling"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
	"github.com/krm-bypass/krm-bypass/internal/transform"
)

// isSpec says whether an object is a ClusterBypass, of whatever version.
func isSpec(t object.Type) bool {
	return t.Kind == Kind && object.Group(t.APIVersion) == Group
}

// The annotation by which kustomize and kpt's predecessors find the function
// that an object configures, and what of it matters here
// (kubernetes-sigs/kustomize kyaml/fn/runtime/runtimeutil/functiontypes.go).
const functionAnnotation = "config.kubernetes.io/function"

type functionSpec struct {
	Exec      struct{ Path string }
	Container struct{ Image string }
}

// The names by which this function is called.
var functionNames = []string{"krm-bypass", "krm-bypass-fn"}

// Configures says whether an object configures this function: a ClusterBypass,
// or one whose annotation names the function as what is to be called with it.
func Configures(node *yaml.Node) bool {
	head := object.HeadOf(node)
	if isSpec(head.Type) {
		return true
	}
	var called functionSpec
	if yaml.Unmarshal([]byte(head.Annotations[functionAnnotation]), &called) != nil {
		return false
	}
	image, _, _ := strings.Cut(path.Base(called.Container.Image), ":")
	image, _, _ = strings.Cut(image, "@")
	return slices.Contains(functionNames, path.Base(called.Exec.Path)) || slices.Contains(functionNames, image)
}

// configObject is an object that says what bypasses: a ClusterBypass or a
// ConfigMap.
type configObject struct {
	node *yaml.Node
	// file is the one that it was read from, "" where an orchestrator's
	// annotations have to tell.
	file string
	// line of the file in which the node's text begins, from 1; 0 if it is not
	// known.
	line int
	// decoder has read it, once it is compiled.
	decoder *decoder
}

// policy makes the object ready to be applied, with the options; there is none
// where a result is an error.
func (c *configObject) policy(options Options) (*transform.Policy, Results) {
	d := &decoder{file: cmp.Or(c.file, object.HeadOf(c.node).Origin().File), line: c.line, node: c.node, options: options}
	policy, err := c.compile(d)
	var problems Problems
	if errors.As(err, &problems) {
		return nil, problemResults(Error, problems, refOf(c.node))
	}
	return policy, problemResults(Warning, d.warnings, refOf(c.node))
}

func (c *configObject) compile(d *decoder) (*transform.Policy, error) {
	c.decoder = d
	head := object.HeadOf(c.node)
	switch {
	case isSpec(head.Type):
		_, policy, err := d.spec(c.node)
		return policy, err
	case head.APIVersion == "v1" && head.Kind == "ConfigMap":
		return d.configMap(c.node)
	}
	return nil, Problems{{File: d.file, Path: "kind", Value: head.Kind, Message: fmt.Sprintf(
		"the function is configured by an object of kind %q, apiVersion %q: give it a %s (%s) or a ConfigMap (v1)", head.Kind, head.APIVersion, Kind, APIVersion)}}
}

// The keys of a ConfigMap's data beside the traffic fields of the global scope.
const (
	keyMesh      = "mesh"
	keyMode      = "mode"
	keyImage     = "image"
	keyNamespace = "namespace"
)

// dataValue is a value of a ConfigMap's data. kpt's command line writes numbers
// without quotes.
type dataValue string

// configMapObject is what of a ConfigMap is read.
type configMapObject struct {
	APIVersion string               `json:"apiVersion"`
	Kind       string               `json:"kind"`
	Metadata   Metadata             `json:"metadata"`
	Data       map[string]dataValue `json:"data"`
}

// onlyNamespace says whether a functionConfig is a ConfigMap that says nothing
// of traffic: kpt's command line sends an empty one where it is given no
// values (kpt fn eval ... without -- key=value). The namespace is that of
// workloads which name none.
func onlyNamespace(document *yaml.Node) (namespace string, only bool) {
	if head := object.HeadOf(document); head.APIVersion != "v1" || head.Kind != "ConfigMap" {
		return "", false
	}
	data := node.Of(document).Entry("data")
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

// flatFields set a traffic field from a list separated by commas.
var flatFields = map[traffic.Field]func(*Traffic, string){
	traffic.ExcludeInboundPorts:     func(t *Traffic, list string) { t.ExcludeInboundPorts = split[PortList](list) },
	traffic.IncludeInboundPorts:     func(t *Traffic, list string) { t.IncludeInboundPorts = split[PortSelection](list) },
	traffic.ExcludeOutboundPorts:    func(t *Traffic, list string) { t.ExcludeOutboundPorts = split[PortList](list) },
	traffic.IncludeOutboundPorts:    func(t *Traffic, list string) { t.IncludeOutboundPorts = split[PortList](list) },
	traffic.ExcludeOutboundIPRanges: func(t *Traffic, list string) { t.ExcludeOutboundIPRanges = split[IPRangeList](list) },
	traffic.IncludeOutboundIPRanges: func(t *Traffic, list string) { t.IncludeOutboundIPRanges = split[IPRangeSelection](list) },
}

// configMap makes a policy of the flat form that kpt's command line writes
// (kpt fn eval ... -- key=value): lists are separated by commas.
func (d *decoder) configMap(node *yaml.Node) (*transform.Policy, error) {
	if node.Kind == yaml.DocumentNode && len(node.Content) == 1 {
		node = node.Content[0]
	}
	var cm configMapObject
	d.value(node, reflect.ValueOf(&cm).Elem(), "")
	known := []string{keyMesh, keyMode, keyImage, keyNamespace}
	for _, f := range traffic.Fields {
		known = append(known, string(f))
	}
	spec := &ClusterBypass{}
	spec.Spec.Enforcement = &Enforcement{}
	spec.Spec.Global = &GlobalRule{}
	global := &spec.Spec.Global.Traffic
	problem := func(path, value, format string, args ...any) {
		d.problem(nil, path, value, format, args...)
	}
	for _, key := range sortedKeys(cm.Data) {
		value := string(cm.Data[key])
		at := join("data", key)
		switch traffic.Field(key) {
		case keyMesh:
			spec.Spec.Mesh = value
		case keyMode:
			spec.Spec.Enforcement.Mode = value
			if !slices.Contains(transform.Modes, transform.Mode(value)) {
				problem(at, value, "%q is not known: write one of InitContainer, WhereNeeded, AnnotationsOnly", value)
			}
		case keyImage:
			spec.Spec.Enforcement.Image = value
		case keyNamespace:
			spec.Spec.DefaultNamespace = value
		case traffic.ExcludeOutbound:
			for i, entry := range split[[]string](value) {
				ranges, ports, found := strings.Cut(entry, "@")
				if !found {
					problem(fmt.Sprintf("%s[%d]", at, i), entry, `%q is not a pair of an IP range and a port: write it as "10.1.0.0/16@5432"`, entry)
				}
				global.ExcludeOutbound = append(global.ExcludeOutbound, Destination{IPRanges: IPRangeList{IPRange(ranges)}, Ports: PortList{Port(ports)}})
			}
		default:
			if set, isField := flatFields[traffic.Field(key)]; isField {
				set(global, value)
				continue
			}
			remedy := "the keys here are " + quotedList(known)
			if near := nearest(key, known); near != "" {
				remedy = fmt.Sprintf("did you mean %s?%s", near, spelling.LookAlike(key))
			}
			problem(at, key, "unknown key %q: %s", key, remedy)
		}
	}
	return d.compile(spec, dataPath)
}

// dataPath gives the place in a ConfigMap of a field of the spec.
func dataPath(path string) string {
	if path == enforcementPath {
		return "data." + keyImage
	}
	for _, move := range []struct{ from, to string }{
		{"spec.global.", "data."},
		{"spec.enforcement.", "data."},
		{"spec.defaultNamespace", "data." + keyNamespace},
		{"spec.", "data."},
	} {
		if rest, found := strings.CutPrefix(path, move.from); found {
			// A pair is one entry here, of which no part has a path.
			whole, _, _ := strings.Cut(rest, "].")
			if whole != rest {
				whole += "]"
			}
			return move.to + whole
		}
	}
	return path
}

func split[S ~[]E, E ~string](value string) S {
	list := S{}
	for _, entry := range traffic.SplitList(value) {
		list = append(list, E(strings.TrimSpace(entry)))
	}
	return list
}
