package corpus

import (
	"slices"
	"strings"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// A spec is one that every manifest is rendered with.
type spec struct {
	name, text string
}

const specHead = "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata:\n  name: cluster\nspec:\n"

// nothing is the spec that disables.
const nothing = "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata:\n  name: nothing\nspec: {formerNames: [cluster, bypass]}\n"

var specs = []spec{
	{"ports", specHead + `
  enforcement: {image: ghcr.io/krm-bypass/init:v0.1.0}
  global:
    excludeOutboundPorts: [3306, 9000-9003]
    excludeInboundPorts: [7001]
`},
	{"everything", specHead + `
  enforcement: {image: ghcr.io/krm-bypass/init:v0.1.0}
  merge: Union
  meshDefaults:
    excludeInboundPorts: [15020]
  global:
    excludeOutboundIPRanges: [169.254.169.254/32, "2001:db8::/32"]
  namespaces:
  - match: {names: [shop, "team-*"]}
    excludeInboundPorts: [7001-7005]
    excludeOutboundPorts: [6379/TCP, 4789/UDP]
  workloads:
  - match: {kinds: [Deployment, StatefulSet, CronJob, CloneSet, Job]}
    excludeOutbound:
    - {ipRanges: [10.1.0.0/16], ports: [5432]}
`},
	{"annotations alone", specHead + `
  enforcement: {mode: AnnotationsOnly}
  global:
    includeOutboundIPRanges: [10.0.0.0/8]
    excludeInboundPorts: [8080, 9090]
`},
	{"where needed", specHead + `
  enforcement: {mode: WhereNeeded, image: ghcr.io/krm-bypass/init:v0.1.0}
  global:
    excludeInboundPorts: [9090]
  workloads:
  - match: {namespaces: [shop, data], kinds: [Deployment, DaemonSet, ReplicaSet, Rollout]}
    merge: Union
    excludeOutbound:
    - {ipRanges: [192.0.2.0/24], ports: [443/TCP, 8443-8445]}
`},
	{"defaults cleared", specHead + `
  enforcement: {image: ghcr.io/krm-bypass/init:v0.1.0}
  meshDefaults:
    excludeOutboundIPRanges: [192.0.2.0/24]
    excludeOutboundPorts: [9200]
  global:
    excludeOutboundPorts: []
    excludeOutboundIPRanges: []
    excludeInboundPorts: [8081]
`},
	{"Linkerd", specHead + `
  enforcement: {image: ghcr.io/krm-bypass/init:v0.1.0}
  mesh: Linkerd
  merge: Union
  global:
    excludeOutboundPorts: [3306, 5432]
    excludeInboundPorts: [9090]
`},
}

// scope is what one rule of a spec says.
type scope struct {
	Match struct {
		Names, Namespaces, Kinds []string
	}
	Merge  string
	Fields map[string]yaml.Node `yaml:",inline"`
}

// said is a spec, read without package fn.
type said struct {
	Spec struct {
		Mesh         string
		Merge        string
		MeshDefaults scope `yaml:"meshDefaults"`
		Global       scope
		Namespaces   []scope
		Workloads    []scope
		Enforcement  struct{ Mode string }
	}
}

// planned is what a workload shall have: the settings, how they are enforced,
// and whether the spec says anything about it at all.
type planned struct {
	mesh     *mesh.Mesh
	defaults traffic.Layer
	settings traffic.Settings
	mode     string
	applies  bool
}

// plan folds the scopes of a spec over a workload, by section 2 of the spec's
// design: broad to narrow, and the user's annotations last.
func plan(t require.TestingT, s spec, w workload) planned {
	var all said
	require.NoError(t, yaml.Unmarshal([]byte(s.text), &all))
	name := all.Spec.Mesh
	if name == "" {
		name = "Istio"
	}
	m, known := mesh.ByName(name)
	require.True(t, known)
	p := planned{mesh: m, mode: all.Spec.Enforcement.Mode}
	if p.mode == "" {
		p.mode = "InitContainer"
		if w.knative {
			p.mode = "AnnotationsOnly"
		}
	}
	merge := func(own string) traffic.Merge {
		if own == "" {
			own = all.Spec.Merge
		}
		return map[string]traffic.Merge{"": traffic.Override, "Override": traffic.Override, "Union": traffic.Union}[own]
	}
	p.defaults = m.Defaults.Merge(layerOf(t, all.Spec.MeshDefaults), traffic.Override)
	folded, spoken := p.defaults, traffic.Layer{}
	scopes := []scope{all.Spec.Global}
	for _, rule := range all.Spec.Namespaces {
		if slices.ContainsFunc(rule.Match.Names, func(glob string) bool { return globbed(glob, w.namespace) }) {
			scopes = append(scopes, rule)
		}
	}
	for _, rule := range all.Spec.Workloads {
		// kinds alone name a kind of every group
		if (rule.Match.Kinds == nil || slices.Contains(rule.Match.Kinds, w.kind)) &&
			(rule.Match.Namespaces == nil || slices.Contains(rule.Match.Namespaces, w.namespace)) {
			scopes = append(scopes, rule)
		}
	}
	for _, rule := range scopes {
		folded = folded.Merge(layerOf(t, rule), merge(rule.Merge))
		spoken = spoken.Merge(layerOf(t, rule), merge(rule.Merge))
	}
	user, problems := m.Read(w.annotations)
	require.Empty(t, problems)
	p.settings = folded.Merge(user, merge("")).Settings()
	p.applies = !spoken.IsZero() && !w.reluctant
	return p
}

func globbed(glob, name string) bool {
	head, any := strings.CutSuffix(glob, "*")
	return name == glob || any && name != "" && strings.HasPrefix(name, head)
}

func layerOf(t require.TestingT, s scope) traffic.Layer {
	var l traffic.Layer
	for _, field := range traffic.Fields {
		node, says := s.Fields[string(field)]
		if !says {
			continue
		}
		entries := []string{}
		for _, item := range node.Content {
			if item.Kind == yaml.ScalarNode {
				entries = append(entries, item.Value)
				continue
			}
			var pair struct {
				IPRanges []string `yaml:"ipRanges"`
				Ports    []string
			}
			require.NoError(t, item.Decode(&pair))
			for _, r := range pair.IPRanges {
				for _, port := range pair.Ports {
					entries = append(entries, r+"@"+port)
				}
			}
		}
		require.NoError(t, l.Set(field, entries))
	}
	return l
}

// arguments gives those of the init container in a template; nil if it has none.
func arguments(t require.TestingT, template *yaml.Node) []string {
	containers := entry(entry(template, "spec"), "initContainers")
	if containers == nil {
		return nil
	}
	for i, node := range containers.Content {
		if name := entry(node, "name"); name == nil || name.Value != containerName {
			continue
		}
		require.Zero(t, i, "the init container is the first")
		var container struct{ Args []string }
		require.NoError(t, node.Decode(&container))
		return append([]string{}, container.Args...)
	}
	return nil
}

// readsBack holds a rendered workload to its plan: the arguments of the init
// container say the settings, and what the sidecar reads from the annotations
// on top of the mesh's own defaults is all of them that annotations can say.
func readsBack(t require.TestingT, p planned, before, after workload) {
	args := arguments(t, after.template)
	if !p.applies {
		require.Nil(t, args)
		require.Equal(t, before.annotations, after.annotations)
		return
	}
	sayable, gaps := p.mesh.Express(p.settings, traffic.Layer{})
	contained := p.mode != "AnnotationsOnly" && (p.mode != "WhereNeeded" || len(gaps) > 0) && !p.settings.BypassNothing()
	require.Equal(t, contained, args != nil, "the init container is there where it is to be")
	if contained {
		values := map[traffic.Field][]string{}
		for _, argument := range args {
			flag, value, _ := strings.Cut(strings.TrimPrefix(argument, "--"), "=")
			at := slices.IndexFunc(traffic.Fields, func(f traffic.Field) bool { return f.Flag() == flag })
			require.GreaterOrEqual(t, at, 0, argument)
			values[traffic.Fields[at]] = append(values[traffic.Fields[at]], value)
		}
		parsed, err := traffic.ParseArguments(values)
		require.NoError(t, err)
		require.True(t, p.settings.Equal(parsed), "the arguments say\n%s\nnot\n%s", parsed, p.settings)
	}
	written, problems := p.mesh.Read(after.annotations)
	require.Empty(t, problems, "the mesh takes every annotation")
	effective := p.defaults
	for _, f := range traffic.Fields {
		if entries, says := written.Entries(f); says {
			require.NoError(t, effective.Set(f, entries))
		}
	}
	for _, k := range p.mesh.Keys {
		require.Equal(t, k.Write(sayable.Settings()), k.Write(effective.Settings()), "%s of\n%s", k.Field, p.settings)
	}
	require.Regexp(t, `^v1:[0-9a-f]{16}$`, after.annotations[policyKey])
}
