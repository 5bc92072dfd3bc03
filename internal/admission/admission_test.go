package admission_test

import (
	"errors"
	"flag"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/admission"
	"github.com/krm-bypass/krm-bypass/internal/kinds"
	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/object"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
	"github.com/krm-bypass/krm-bypass/internal/transform"
)

var update = flag.Bool("update", false, "rewrite the golden file, and fail")

// What the policy does, a real API server shows in test/cluster. Rows of other kinds bring
// more of the same.
func TestPolicy(t *testing.T) {
	const golden = "testdata/policy.yaml"
	shown := map[string]bool{"RayCluster": true, "PyTorchJob": true, "postgresql": true, "Rollout": true, "InferenceService": true, "PerconaPGCluster": true}
	policy := admission.PolicyFor(slices.DeleteFunc(slices.Clone(kinds.Known()), func(k kinds.Kind) bool { return !k.IsKubernetes() && !shown[k.Kind] })...)
	if *update {
		require.NoError(t, os.WriteFile(golden, []byte(policy), 0o600))
		t.Fatalf("%s is rewritten: read the difference, then run without -update", golden)
	}
	expected, err := os.ReadFile(golden)
	require.NoError(t, err, "go test ./internal/admission -update writes it")
	assert.Equal(t, string(expected), policy)
}

// document is as much of the policy and of the binding as the tests look at.
type document struct {
	Kind     string
	Metadata struct{ Name string }
	Spec     struct {
		PolicyName       string `yaml:"policyName"`
		MatchConstraints struct {
			ResourceRules []struct {
				APIGroups []string `yaml:"apiGroups"`
				Resources []string
			} `yaml:"resourceRules"`
		} `yaml:"matchConstraints"`
		Variables []struct{ Name, Expression string }
	}
}

func documents(t *testing.T) []document {
	t.Helper()
	var read []document
	decoder := yaml.NewDecoder(strings.NewReader(admission.Policy()))
	for {
		var one document
		err := decoder.Decode(&one)
		if errors.Is(err, io.EOF) {
			return read
		}
		require.NoError(t, err)
		read = append(read, one)
	}
}

func TestTheBindingBindsThePolicy(t *testing.T) {
	both := documents(t)
	require.Len(t, both, 2)
	assert.Equal(t, "ValidatingAdmissionPolicy", both[0].Kind)
	assert.Equal(t, "ValidatingAdmissionPolicyBinding", both[1].Kind)
	assert.Equal(t, both[0].Metadata.Name, both[1].Spec.PolicyName)
}

func TestEveryTableEntryIsThere(t *testing.T) {
	policy := documents(t)[0]
	expressions := map[string]string{}
	for _, v := range policy.Spec.Variables {
		whole, _, _ := strings.Cut(v.Name, "Of") // one of several that come to it
		expressions[whole] += v.Expression
	}
	for _, m := range mesh.All() {
		for _, k := range m.Keys {
			assert.Contains(t, expressions["keys"], "'"+k.Annotation+"'")
		}
		for _, other := range m.Others {
			in := "others"
			if other.Words != nil || other.Unfit != "" {
				in = "worded"
			}
			if other.Spares {
				assert.NotContains(t, expressions[in], "['"+other.Annotation+"'", "it opts out")
				continue
			}
			if other.Opens == 0 {
				assert.NotContains(t, expressions[in], "['"+other.Annotation+"'")
			} else {
				assert.Contains(t, expressions[in], "['"+other.Annotation+"'")
			}
			for _, value := range other.Harmless {
				assert.Regexp(t, `\['`+other.Annotation+`',.* '`+value+`'`, expressions[in])
			}
			for _, word := range other.Words.Names() {
				assert.Contains(t, expressions[in], word)
			}
		}
		for _, prefix := range m.Prefixes {
			assert.Contains(t, expressions["prefixes"], "'"+prefix+"'")
		}
	}
	served := map[string]bool{}
	for _, rule := range policy.Spec.MatchConstraints.ResourceRules {
		for _, group := range rule.APIGroups {
			for _, resource := range rule.Resources {
				served[resource+"."+group] = true
			}
		}
	}
	for _, k := range kinds.Known() {
		if len(k.Templates) == 0 || len(k.Templates[0].Place()) == 0 {
			assert.NotContains(t, expressions["templates"], `"`+k.Kind+"."+k.Group+`"`)
			continue
		}
		assert.True(t, served[k.Resource()+"."+k.Group], "%s of %q", k.Kind, k.Group)
		for _, template := range k.Templates {
			for _, path := range []kinds.Path{template.Path, template.Annotations, template.InitContainers} {
				if path == nil {
					continue
				}
				lists := strings.FieldsFunc(strings.NewReplacer("[*]", "|", ".*", "|").Replace(path.String()), func(r rune) bool { return r == '|' })
				last := strings.TrimPrefix(lists[len(lists)-1], ".")
				if !path[len(path)-1].Many() {
					assert.Contains(t, branch(expressions["templates"], k), "o"+indexed(last)+".orValue", "%s: %s", k.Kind, path)
					lists = lists[:len(lists)-1]
				}
				for round, list := range lists {
					assert.Contains(t, branch(expressions["lists"+strconv.Itoa(round+1)], k), "o"+indexed(strings.TrimPrefix(list, "."))+".orValue", "%s: %s", k.Kind, path)
				}
			}
		}
	}
}

// branch is what an expression has for a kind.
func branch(expression string, k kinds.Kind) string {
	_, of, _ := strings.Cut(expression, `"`+k.Kind+"."+k.Group+`"`)
	_, of, _ = strings.Cut(of, "\n")
	of, _, _ = strings.Cut(of, "variables.kind in")
	return of
}

// indexed leads to a field as the policy does.
func indexed(path string) string { return `[?"` + strings.ReplaceAll(path, ".", `"][?"`) + `"]` }

func TestNoGapIsLeft(t *testing.T) {
	assert.NotContains(t, admission.Policy(), "{{")
	assert.NotContains(t, admission.Policy(), "}}")
	for line := range strings.Lines(admission.Policy()) {
		assert.Equal(t, strings.TrimRight(line, " \n"), strings.TrimSuffix(line, "\n"))
	}
}

// kindAt is a kind with one template.
func kindAt(apiVersion, kind string, path ...string) kinds.Kind {
	return kinds.Kind{Group: object.Group(apiVersion), Kind: kind, Templates: []kinds.Template{{Path: kinds.Keyed(path...)}}}
}

func path(text string) kinds.Path {
	path, err := kinds.ParsePath(text)
	if err != nil {
		panic(err)
	}
	return path
}

// A specification adds kinds, and with them whatever else is in their API group
// is looked at, and let past.
func TestMoreKinds(t *testing.T) {
	policy := admission.Policy(&transform.Policy{Kinds: kinds.Table{
		kindAt("example.com/v1", "Fleet", "spec", "pods", "template"),
		kindAt("example.com/v1", "Runner", "spec", `it's "odd"`, "template"),
		kindAt("argoproj.io/v1alpha1", "Parade", "spec", "template"),
		kinds.Kind{Group: "example.com", Kind: "Grid", Templates: []kinds.Template{{Path: path("spec.rows[*].cells.*.template")}, {Annotations: path("spec.meta.annotations")}}},
		kinds.Kind{Group: "argoproj.io", Kind: "Rollout", Templates: []kinds.Template{{Path: path("spec.template")}, {Path: path("spec.more.template")}}},
	}})
	assert.Equal(t, 1, strings.Count(policy, "- apiGroups: [example.com]\n      apiVersions: [\"*\"]\n      operations: [CREATE, UPDATE]\n      resources: [\"*\"]\n"))
	assert.Contains(t, policy, "- apiGroups: [argoproj.io]\n      apiVersions: [\"*\"]\n      operations: [CREATE, UPDATE]\n      resources: [\"*\"]\n")
	for _, said := range []string{
		`variables.kind in ["Runner.example.com"] ?` + "\n        " + `[[dyn('')] + variables.both.map(o, o[?"spec"][?"it's \"odd\""][?"template"].orValue(dyn({})))] :`,
		`"Parade.argoproj.io"] ?`,
		`[[[dyn('spec.rows')] + variables.both.map(o, o[?"spec"][?"rows"].orValue(dyn(null)))]] :`,
		`[variables.items1[0].map(t, [dyn(t[0] + '.cells')] + [t[1], t[2]].map(o, o[?"cells"].orValue(dyn(null))))] :`,
		`variables.items2[0].map(t, [dyn(t[0] + '.template')] + [t[1], t[2]].map(o, o[?"template"].orValue(dyn({})))) +` + "\n        " +
			`[[dyn('spec.meta')] + variables.both.map(o, dyn({'metadata': dyn({'annotations': o[?"spec"][?"meta"][?"annotations"].orValue(dyn({})), 'labels': o[?"spec"][?"meta"][?"labels"].orValue(dyn({}))})}))] :`,
		`variables.kind in ["Rollout.argoproj.io"] ?` + "\n        " + `[[dyn('spec.template')] + variables.both.map(o, o[?"spec"][?"template"].orValue(dyn({})))] +` + "\n        [[dyn('spec.more.template')]",
	} {
		assert.Contains(t, policy, said)
	}
	var read any
	require.NoError(t, yaml.Unmarshal([]byte(policy), &read))
}

func TestNamespacesEnrolledByName(t *testing.T) {
	policy := admission.Policy(&transform.Policy{Enrolled: []string{"*", "kube-apps"}})
	assert.Contains(t, policy, `!(request.namespace.matches(r'^(kube-.*)$') && !(request.namespace in ['*', 'kube-apps']))`)
	assert.Contains(t, policy, `(request.namespace.matches(r'^(consul)$') && !(request.namespace in ['*', 'kube-apps']) ? [] : [`)
	assert.NotContains(t, admission.Policy(), "request.namespace in")
}

// What is written has numbers, so that a rule which names ports is like one that does not.
func TestNamesOfPorts(t *testing.T) {
	istio, _ := mesh.ByName("Istio")
	of := func(names ...transform.PortName) string {
		return admission.Policy(&transform.Policy{Mesh: istio, Scopes: []transform.Scope{{Path: transform.GlobalPath, Names: names}}})
	}
	assert.Equal(t, of(), of(transform.PortName{Field: traffic.ExcludeInboundPorts, Name: "http-metrics"}))
}

// The ways out are those of the data plane in which a namespace is by the rules. What a
// rule says of some workloads alone is no reason to refuse others.
func TestDataPlanes(t *testing.T) {
	istio, _ := mesh.ByName("Istio")
	in := func(plane mesh.DataPlane, match *transform.Match) transform.Scope {
		return transform.Scope{Match: match, Plane: plane}
	}
	shop := &transform.Match{Namespaces: []string{"shop"}}
	web := &transform.Match{Namespaces: []string{"bank"}, Names: []string{"web"}}
	const none, inject = "['label', 'istio.io/dataplane-mode', r'^none$'", "['label', 'sidecar.istio.io/inject', r'^false$'"
	of := func(scopes ...transform.Scope) (sidecar, ambient string) {
		policy := admission.Policy(&transform.Policy{Mesh: istio, Scopes: scopes, Limits: transform.Limits{OptOuts: []string{"batch"}}})
		_, optOuts, _ := strings.Cut(policy, "- name: optOuts\n")
		optOuts, _, _ = strings.Cut(optOuts, "- name:")
		_, free, _ := strings.Cut(optOuts, "request.namespace.matches(r'^(batch)$')")
		sidecar, ambient, _ = strings.Cut(free, "request.namespace.matches(r'^(batch)$')")
		sidecar, rest, _ := strings.Cut(sidecar, " ? [] : [")
		assert.Contains(t, rest, inject)
		assert.Equal(t, ambient != "", strings.Contains(optOuts, none))
		assert.Equal(t, ambient != "", strings.Contains(optOuts, "['annotation', 'sidecar.istio.io/status', r'^'"))
		ambient, _, _ = strings.Cut(ambient, " ? [] : [")
		return sidecar, ambient
	}
	is := func(name string) string { return "request.namespace.matches(r'^(" + name + ")$')" }
	for _, test := range []struct {
		scopes           []transform.Scope
		sidecar, ambient string
	}{
		{nil, "", ""},
		{[]transform.Scope{in(mesh.Sidecar, nil)}, "", ""},
		{[]transform.Scope{in("", nil), in(mesh.Ambient, nil)}, " || (false || true)", " || !(false || true)"},
		{[]transform.Scope{in(mesh.Ambient, shop)}, " || (false || " + is("shop") + ")", " || !(false || " + is("shop") + ")"},
		{[]transform.Scope{in(mesh.Ambient, nil), in(mesh.Sidecar, shop)}, " || ((false || true) && !" + is("shop") + ")", " || !((false || true) && !" + is("shop") + ")"},
		{[]transform.Scope{in(mesh.Ambient, web)}, " || (false || " + is("bank") + ")", " || !false"},
		{[]transform.Scope{in(mesh.Ambient, nil), in(mesh.Sidecar, web)}, " || (false || true)", " || !((false || true) && !" + is("bank") + ")"},
	} {
		sidecar, ambient := of(test.scopes...)
		assert.Equal(t, test.sidecar, sidecar)
		assert.Equal(t, test.ambient, ambient)
	}
}

// Two specifications have one policy: each adds its kinds and its namespaces, and its
// limits on opting out count where it enrols.
func TestSeveralSpecifications(t *testing.T) {
	ofMesh := func(name string, enrolled, optOuts []string, more ...kinds.Kind) *transform.Policy {
		m, known := mesh.ByName(name)
		require.True(t, known)
		return &transform.Policy{Mesh: m, Kinds: more, Enrolled: enrolled, Limits: transform.Limits{OptOuts: optOuts}}
	}
	fleet := kindAt("example.com/v1", "Fleet", "spec", "pods", "template")
	policy := admission.Policy(ofMesh("Istio", []string{"shop"}, []string{}, fleet), ofMesh("Linkerd", []string{"pay-*", "linkerd"}, []string{"pay-old"}, fleet))
	assert.Equal(t, 1, strings.Count(policy, `"Fleet.example.com"`))
	_, optOuts, _ := strings.Cut(policy, "- name: optOuts\n")
	optOuts, _, _ = strings.Cut(optOuts, "- name:")
	assert.Contains(t, optOuts, `|| request.namespace.matches(r'^()$') || !request.namespace.matches(r'^(shop)$') ? [] : [`)
	assert.Contains(t, optOuts, `|| request.namespace.matches(r'^(pay-old)$') || !request.namespace.matches(r'^(pay-.*|linkerd)$') ? [] : [`)
	assert.Contains(t, optOuts, "'sidecar.istio.io/inject'")
	assert.Contains(t, optOuts, "'linkerd.io/inject'")
	assert.Contains(t, policy, "request.namespace in ['shop', 'pay-*', 'linkerd']")
	alone := admission.Policy(ofMesh("Istio", nil, []string{"batch-*"}))
	assert.Contains(t, alone, `|| request.namespace.matches(r'^(batch-.*)$') ? [] : [`)
	assert.NotContains(t, admission.Policy(ofMesh("Istio", nil, nil)), "'sidecar.istio.io/inject', r")
}
