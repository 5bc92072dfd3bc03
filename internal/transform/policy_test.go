package transform

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/internal/kinds"
	"github.com/krm-bypass/krm-bypass/internal/mesh"
)

func TestMatches(t *testing.T) {
	labelled := []Requirement{{Key: "app", Operator: "In", Values: []string{"web"}}}
	tests := []struct {
		name      string
		match     *Match
		namespace string
		want      answer
	}{
		{"the scope of all", nil, "", yes},
		{"the kind", &Match{Kinds: []string{"StatefulSet"}}, "shop", yes},
		{"the kind with its group", &Match{Kinds: []string{"StatefulSet.apps.kruise.io"}}, "shop", yes},
		{"the kind of another group", &Match{Kinds: []string{"StatefulSet.apps"}}, "shop", no},
		{"another kind or this one", &Match{Kinds: []string{"Deployment", "StatefulSet"}}, "shop", yes},
		{"a name", &Match{Names: []string{"pay-api"}}, "shop", yes},
		{"a part of the name", &Match{Names: []string{"pay"}}, "shop", no},
		{"a glob", &Match{Names: []string{"pay-*"}}, "shop", yes},
		{"a glob of single letters", &Match{Names: []string{"pay-ap?"}}, "shop", yes},
		{"a glob with a class", &Match{Names: []string{"pay-[a-c]*"}}, "shop", yes},
		{"a glob with a class that is not it", &Match{Names: []string{"pay-[^a]*"}}, "shop", no},
		{"every name", &Match{Names: []string{"*"}}, "shop", yes},
		{"labels", &Match{Labels: labelled}, "shop", yes},
		{"a namespace", &Match{Namespaces: []string{"team-*", "shop"}}, "shop", yes},
		{"another namespace", &Match{Namespaces: []string{"team-*"}}, "shop", no},
		{"an unknown namespace", &Match{Namespaces: []string{"shop"}}, "", unknown},
		{"an unknown namespace of any", &Match{Namespaces: []string{"shop", "*"}}, "", yes},
		{"an unknown namespace and another name", &Match{Names: []string{"web"}, Namespaces: []string{"shop"}}, "", no},
		{"all but one field", &Match{Kinds: []string{"StatefulSet"}, Names: []string{"pay-*"}, Namespaces: []string{"other"}, Labels: labelled}, "shop", no},
		{"every field", &Match{Kinds: []string{"StatefulSet"}, Names: []string{"pay-*"}, Namespaces: []string{"shop"}, Labels: labelled}, "shop", yes},
	}
	w := &Workload{
		Object: Object{Name: "pay-api"}, TemplateLabels: map[string]string{"app": "web"},
		kind: &kinds.Kind{Group: "apps.kruise.io", Kind: "StatefulSet"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			assert.Equal(t, test.want, test.match.matches(w, test.namespace))
		})
	}
}

func TestNamespaceEnrolled(t *testing.T) {
	istio, known := mesh.ByName("Istio")
	require.True(t, known)
	tests := []struct {
		name      string
		enrolled  []string
		namespace string
		want      answer
	}{
		{"all by default", nil, "shop", yes},
		{"Kubernetes' own are not by default", nil, "kube-system", no},
		{"nor the mesh's", nil, "istio-system", no},
		{"one that only begins like Kubernetes' own", nil, "kubeflow", yes},
		{"an unknown one is by default", nil, "", yes},
		{"every one", []string{"*"}, "shop", yes},
		{"every one is not Kubernetes' own", []string{"*", "kube-*"}, "kube-system", no},
		{"Kubernetes' own by its exact name", []string{"kube-system"}, "kube-system", yes},
		{"one that is named", []string{"team-*", "shop"}, "shop", yes},
		{"one that is not named", []string{"team-*"}, "shop", no},
		{"none", []string{}, "shop", no},
		{"an unknown one where some are named", []string{"shop"}, "", unknown},
		{"an unknown one where all are named", []string{"shop", "*"}, "", yes},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := &Policy{Mesh: istio, Enrolled: test.enrolled}
			assert.Equal(t, test.want, p.namespaceEnrolled(test.namespace))
			assert.Equal(t, test.want == no, p.LeftNamespace(test.namespace) != "", "a reason is given where it is not, and only there")
		})
	}
}
