package fn

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/traffic"
	"github.com/krm-bypass/krm-bypass/internal/transform"
)

// isSpec says whether an object is a ClusterBypass, of whatever version.
func isSpec(apiVersion, kind string) bool {
	return kind == Kind && strings.HasPrefix(apiVersion, Group+"/")
}

// configuration makes a policy of a functionConfig, which is a ClusterBypass or
// a ConfigMap.
func configuration(node *yaml.Node, file string) (*transform.Policy, error) {
	head := struct {
		APIVersion string `yaml:"apiVersion"`
		Kind       string `yaml:"kind"`
	}{}
	// What cannot be decoded here is reported by whatever reads all of it.
	_ = node.Decode(&head)
	switch {
	case isSpec(head.APIVersion, head.Kind):
		_, policy, err := readSpec(node, file, false)
		return policy, err
	case head.APIVersion == "v1" && head.Kind == "ConfigMap":
		return configMap(node, file)
	}
	return nil, Problems{{File: file, Path: "kind", Value: head.Kind, Message: fmt.Sprintf(
		"the function is configured by an object of kind %q, apiVersion %q: give it a %s (%s) or a ConfigMap (v1)", head.Kind, head.APIVersion, Kind, APIVersion)}}
}

// The keys of a ConfigMap's data beside the traffic fields of the global scope.
const (
	keyMesh      = "mesh"
	keyMode      = "mode"
	keyImage     = "image"
	keyNamespace = "namespace"
)

// configMap makes a policy of the flat form that kpt's command line writes
// (kpt fn eval ... -- key=value): lists are separated by commas.
func configMap(node *yaml.Node, file string) (*transform.Policy, error) {
	var cm struct {
		Data map[string]string `yaml:"data"`
	}
	if err := node.Decode(&cm); err != nil {
		return nil, Problems{{File: file, Path: "data", Message: fmt.Sprintf("the values are not all strings: put them into quotes (%v)", err)}}
	}
	known := []string{keyMesh, keyMode, keyImage, keyNamespace}
	for _, f := range traffic.Fields {
		known = append(known, string(f))
	}
	spec := &ClusterBypass{}
	spec.Spec.Enforcement = &Enforcement{}
	spec.Spec.Global = &Traffic{}
	global := spec.Spec.Global
	var problems Problems
	for _, key := range sortedKeys(cm.Data) {
		value := cm.Data[key]
		at := join("data", key)
		switch traffic.Field(key) {
		case keyMesh:
			spec.Spec.Mesh = value
		case keyMode:
			spec.Spec.Enforcement.Mode = value
			if !slices.Contains(transform.Modes, transform.Mode(value)) {
				problems = append(problems, Problem{File: file, Path: at, Value: value, Message: fmt.Sprintf("%q is not known: write one of InitContainer, WhereNeeded, AnnotationsOnly", value)})
			}
		case keyImage:
			spec.Spec.Enforcement.Image = value
		case keyNamespace:
			spec.Spec.DefaultNamespace = value
		case traffic.ExcludeInboundPorts:
			global.ExcludeInboundPorts = split[PortList](value)
		case traffic.IncludeInboundPorts:
			global.IncludeInboundPorts = split[PortSelection](value)
		case traffic.ExcludeOutboundPorts:
			global.ExcludeOutboundPorts = split[PortList](value)
		case traffic.IncludeOutboundPorts:
			global.IncludeOutboundPorts = split[PortList](value)
		case traffic.ExcludeOutboundIPRanges:
			global.ExcludeOutboundIPRanges = split[IPRangeList](value)
		case traffic.IncludeOutboundIPRanges:
			global.IncludeOutboundIPRanges = split[IPRangeSelection](value)
		case traffic.ExcludeOutbound:
			for i, entry := range split[[]string](value) {
				ranges, ports, found := strings.Cut(entry, "@")
				if !found {
					problems = append(problems, Problem{File: file, Path: fmt.Sprintf("%s[%d]", at, i), Value: entry, Message: fmt.Sprintf(`%q is not a pair of an IP range and a port: write it as "10.1.0.0/16@5432"`, entry)})
					continue
				}
				global.ExcludeOutbound = append(global.ExcludeOutbound, Destination{IPRanges: IPRangeList{IPRange(ranges)}, Ports: PortList{Port(ports)}})
			}
		default:
			remedy := "the keys here are " + quotedList(known)
			if near := nearest(key, known); near != "" {
				remedy = fmt.Sprintf("did you mean %s?", near)
			}
			problems = append(problems, Problem{File: file, Path: at, Value: key, Message: fmt.Sprintf("unknown key %q: %s", key, remedy)})
		}
	}
	spec.Default()
	policy, err := spec.compile()
	var invalid Problems
	if errors.As(err, &invalid) {
		for _, p := range invalid {
			p.File = file
			p.Path = dataPath(p.Path)
			problems = append(problems, p)
		}
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return policy, nil
}

// dataPath gives the place in a ConfigMap of a field of the spec.
func dataPath(path string) string {
	for _, move := range []struct{ from, to string }{
		{"spec.global.", "data."},
		{"spec.enforcement.", "data."},
		{"spec.", "data."},
	} {
		if rest, found := strings.CutPrefix(path, move.from); found {
			return move.to + rest
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
