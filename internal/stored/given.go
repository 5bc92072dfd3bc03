package stored

import (
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/node"
)

// filled are the fields of a container that the server fills in where they are not
// written, and what it puts there (kubernetes/kubernetes pkg/apis/core/v1/defaults.go).
// It fills in imagePullPolicy and resources too; they are not here, since a container of
// krm-bypass's always has both.
var filled = []struct{ path, value, by string }{
	{"terminationMessagePath", "/dev/termination-log", "SetDefaults_Container"},
	{"terminationMessagePolicy", "File", "SetDefaults_Container"},
	{"env.*.valueFrom.fieldRef.apiVersion", "v1", "SetDefaults_ObjectFieldSelector"},
}

// token are a mount's fields by which the containers of a Pod get the token of its
// service account, where they mount nothing there themselves (kubernetes/kubernetes
// plugin/pkg/admission/serviceaccount/admission.go, mountServiceAccountToken).
var token = struct{ name, path string }{"kube-api-access-", "/var/run/secrets/kubernetes.io/serviceaccount"}

// Given gives a container as it was given to the server: without what that filled in,
// and without nulls and lists of nothing, which it does not keep. inPod says that it
// stands in a Pod, and in no template.
func Given(container node.Value, inPod bool) node.Value {
	if !container.IsMapping() {
		return container
	}
	return node.Of(given(container.Node(), "", inPod))
}

// given gives the node itself where nothing goes. Aliases stay, which no server writes.
func given(n *yaml.Node, path string, inPod bool) *yaml.Node {
	rest, same := *n, true
	rest.Content = make([]*yaml.Node, 0, len(n.Content))
	step := 1
	if n.Kind == yaml.MappingNode {
		step = 2
	}
	for i := step - 1; i < len(n.Content); i += step {
		at := path + ".*"
		if step == 2 {
			at = strings.TrimPrefix(path+"."+n.Content[i-1].Value, ".")
		}
		value := given(n.Content[i], at, inPod)
		if same = same && value == n.Content[i]; goes(node.Of(value), at, inPod) {
			same = false
			continue
		}
		rest.Content = append(append(rest.Content, n.Content[i-step+1:i]...), value)
	}
	if same {
		return n
	}
	return &rest
}

func goes(value node.Value, path string, inPod bool) bool {
	switch {
	case value.IsNull(), value.IsList() && value.Len() == 0:
		return !strings.HasSuffix(path, "*")
	case path == "volumeMounts.*":
		return inPod && value.Len() == 3 && value.Entry("readOnly").Truth() &&
			value.Entry("mountPath").Text() == token.path && strings.HasPrefix(value.Entry("name").Text(), token.name)
	}
	for _, f := range filled {
		if f.path == path {
			return value.IsString() && value.Text() == f.value
		}
	}
	return false
}
