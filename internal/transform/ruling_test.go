package transform

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"

	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/kinds"
	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// drawnWorkload is a manifest, whose template has any of the parts by which plans differ.
func drawnWorkload(t *rapid.T, m *mesh.Mesh) string {
	lines := []string{"metadata:", "  name: " + rapid.SampledFrom([]string{"web", "api", "db"}).Draw(t, "name")}
	if namespace := rapid.SampledFrom([]string{"", "shop", "kube-system"}).Draw(t, "namespace"); namespace != "" {
		lines = append(lines, "  namespace: "+namespace)
	}
	lines = append(lines, rapid.SampledFrom([][]string{nil, {"  annotations: {}"}, {"  annotations:"}, {"  annotations: {a: b}"}, {"  annotations: {config.kubernetes.io/index: '1'}"}}).Draw(t, "own annotations")...)
	var annotations []string
	for _, key := range rapid.SliceOfNDistinct(rapid.IntRange(0, len(m.Keys)-1), 0, 2, rapid.ID).Draw(t, "annotated") {
		key := m.Keys[key]
		entries := drawnSaying.Draw(t, "annotation")[key.Field]
		annotations = append(annotations, fmt.Sprintf("%s: %q", key.Annotation, key.Write(only(key.Field, entries...).Settings())))
	}
	annotations = append(annotations, rapid.SliceOfNDistinct(rapid.SampledFrom([]string{
		"prometheus.io/scrape: 'true'", PolicyAnnotation + ": v1:0", "sidecar.istio.io/inject: 'false'", "istio.io/dataplane-mode: none", "linkerd.io/inject: disabled", "traffic.sidecar.istio.io/excludeOutboundPort: '1'",
	}), 0, 2, rapid.ID).Draw(t, "others")...)
	template := []string{"metadata:"}
	switch {
	case len(annotations) > 0:
		template = append(template, "  annotations: {"+strings.Join(annotations, ", ")+"}")
	case rapid.Bool().Draw(t, "no metadata"):
		template = nil
	default:
		template = append(template, rapid.SampledFrom([]string{"  labels: {app: web}", "  annotations: {}", "  annotations:"}).Draw(t, "metadata"))
	}
	ports := rapid.SampledFrom([]string{"", ", ports: [{name: http, containerPort: 8080}]", ", ports: [{name: http, containerPort: 8081}, {name: web, containerPort: 8082}]", ", ports: [{name: web, containerPort: 8080}]"}).Draw(t, "ports")
	template = append(template, "spec:", "  containers:", "  - {name: app, image: app"+ports+"}")
	template = append(template, rapid.SampledFrom([][]string{nil, {"  initContainers: []"}, {"  initContainers:"}, {"  initContainers:", "  - {name: first, image: first}"}, {"  imagePullSecrets:", "  - name: registry"}}).Draw(t, "spec")...)
	kind := rapid.SampledFrom([]string{"apps/v1 Deployment", "apps/v1 StatefulSet", "batch/v1 CronJob", "serving.knative.dev/v1 Service", "argoproj.io/v1alpha1 Workflow"}).Draw(t, "kind")
	version, kind, _ := strings.Cut(kind, " ")
	under := map[string][]string{"CronJob": {"spec:", "  jobTemplate:", "    spec:", "      template:"}, "Workflow": {"spec:", "  podMetadata: {}", "  templateDefaults:"}}
	above, other := under[kind]
	if !other {
		above = []string{"spec:", "  selector: {}", "  template:"}
	}
	lines = append(append([]string{"apiVersion: " + version, "kind: " + kind}, lines...), above...)
	for _, line := range template {
		lines = append(lines, strings.Repeat("  ", len(above))+line)
	}
	return strings.Join(lines, "\n") + "\n"
}

// TestWhatIsKeptIsWhatWouldBeDecidedAnew holds plans of a policy that plans many workloads
// against those of one that keeps nothing from one to the next.
func TestWhatIsKeptIsWhatWouldBeDecidedAnew(t *testing.T) {
	applied := 0
	rapid.Check(t, func(t *rapid.T) {
		m, _ := mesh.ByName(rapid.SampledFrom(mesh.Names()).Draw(t, "mesh"))
		policy := Policy{Name: "bypass", Mesh: m, Mode: rapid.SampledFrom(Modes).Draw(t, "mode"), DefaultsImplied: true, MeshDefaults: m.Defaults}
		policy.Enforcement.Image = "init:1"
		if rapid.Bool().Draw(t, "pull secrets") {
			policy.Enforcement.ImagePullSecrets = []string{"registry"}
		}
		only := rapid.SampledFrom([]*Match{nil, {Names: []string{"web"}}, {Names: []string{"*b"}}, {Namespaces: []string{"shop"}}, {Kinds: []string{"Deployment", "CronJob"}}, {Labels: []Requirement{{Key: "app", Operator: "Exists"}}}})
		for i, scope := range rapid.SliceOfN(drawnSaying, 1, 4).Draw(t, "scopes") {
			s := Scope{Path: fmt.Sprintf("spec.workloads[%d]", i), Match: only.Draw(t, "match"), Layer: layerOf(t, scope)}
			for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"http", "web", "admin"}), 0, 2, rapid.ID).Draw(t, "names") {
				s.Names = append(s.Names, PortName{Path: s.Path, Field: rapid.SampledFrom([]traffic.Field{traffic.ExcludeInboundPorts, traffic.IncludeInboundPorts}).Draw(t, "named"), Name: name})
			}
			for _, n := range s.Names { // as an entry has its field said
				s.Layer = s.Layer.Add(layerOf(t, map[traffic.Field][]string{n.Field: {}}))
			}
			if rapid.IntRange(0, 3).Draw(t, "scope's mode") == 0 {
				s.Mode = new(rapid.SampledFrom(Modes).Draw(t, "scope's mode"))
			}
			policy.Scopes = append(policy.Scopes, s)
		}
		keeps := policy
		keeps.Index()
		for range 8 {
			text := drawnWorkload(t, m)
			forgets := policy
			forgets.Index()
			forgets.rulings, forgets.minded, forgets.stands = nil, nil, nil
			document, err := node.Parse([]byte(text))
			require.NoError(t, err, text)
			for range 2 { // as it came, and as it was written
				kept, anew := plansOf(&keeps, document), plansOf(&forgets, document)
				require.Len(t, kept, len(anew), text)
				for i, want := range anew {
					is := kept[i]
					require.Equal(t, want.Findings, is.Findings, text)
					require.Equal(t, want.Fold, is.Fold, text)
					require.Equal(t, want.Annotations, is.Annotations, text)
					require.Equal(t, want.Edits, is.Edits, text)
					require.Equal(t, []any{want.Settings.String(), want.Sayable, want.Gaps, want.Mode, want.ModeBy, want.Container, want.Decided, want.Applies}, []any{is.Settings.String(), is.Sayable, is.Gaps, is.Mode, is.ModeBy, is.Container, is.Decided, is.Applies}, text)
					if want.Applies {
						applied++
					}
					if !is.Failed() {
						require.NoError(t, edit.Nodes(document, is.Edits), text)
					}
				}
			}
		}
	})
	assert.Greater(t, applied, 100)
}

func plansOf(p *Policy, document *yaml.Node) []*Plan {
	workloads, _ := p.Workloads(Document{Nodes: document, Source: func(edit.Path) (string, error) { return "null", nil }})
	return p.PlanAll(workloads)
}

// TestNothingIsSaidOfKeysThatNobodyMinds holds what is left out for keys that the mesh has
// nothing to do with against what would be said of them.
func TestNothingIsSaidOfKeysThatNobodyMinds(t *testing.T) {
	keys := []string{
		"prometheus.io/scrape", "app.kubernetes.io/name", "app", "krm-bypass.dev/exclude", "sidecar.istio.io/inject", "sidecar.istio.io/injekt", "istio.io/dataplane-mode", "istio.io/rev",
		"istio-injection", "linkerd.io/inject", "linkerd.io/injected", "consul.hashicorp.com/connect-inject", "kuma.io/sidecar-injection", "openservicemesh.io/sidecar-injection",
		"proxy.istio.io/config", "proxy.istio.io/other", "traffic.sidecar.istio.io/unknown", "traffic.sidecar.istio.io/excludeOutboundPort", "excludeOutboundPorts", "config.linkerd.io/skip-ports",
		"example.com/exclude-outbound-ports", "ambient.istio.io/bypass-inbound-capture", "service.istio.io/canonical-name", "security.istio.io/tlsMode",
	}
	for _, m := range mesh.All() {
		for _, k := range m.Keys {
			keys = append(keys, k.Annotation, k.Annotation+"s", strings.ToUpper(k.Annotation))
		}
		for _, o := range m.Others {
			keys = append(keys, o.Annotation)
		}
		for _, o := range m.OptOuts {
			keys = append(keys, o.Key)
		}
	}
	minded := 0
	for _, m := range mesh.All() {
		policy := &Policy{Mesh: m}
		for _, key := range keys {
			for place := range 4 {
				w := &Workload{kind: &kinds.Known()[0], stand: wholeAt(edit.Path{"spec", "template"})}
				holds := map[string]string{key: "other"}
				switch place {
				case 0:
					w.TemplateAnnotations = holds
				case 1:
					w.TemplateLabels = holds
				case 2:
					w.above = []described{{path: edit.Path{"metadata"}, annotations: holds}}
				default:
					w.above = []described{{path: edit.Path{"metadata"}, labels: holds}}
				}
				w.family = []*Workload{w}
				plan, was := policy.planOf(w), &prior{record: newRecord(""), annotations: w.TemplateAnnotations}
				policy.tellSlips(w, was, plan)
				policy.tellChoices(w, was, plan)
				if len(plan.Findings) > 0 {
					minded++
					require.True(t, policy.mindsAny(w, was), "%s: %s: %v", m.Name, key, plan.Findings)
				}
			}
		}
		require.False(t, m.Minds("prometheus.io/scrape"), m.Name)
		require.False(t, m.Minds("app.kubernetes.io/name"), m.Name)
	}
	require.Greater(t, minded, 200)
}
