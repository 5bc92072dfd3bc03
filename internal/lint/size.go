package lint

import (
	"encoding/json"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// What Kubernetes and the kernel take, in bytes.
const (
	// maxAnnotations is for all keys and values of an object's annotations
	// (kubernetes/kubernetes
	// staging/src/k8s.io/apimachinery/pkg/api/validation/objectmeta.go,
	// TotalAnnotationSizeLimitB).
	maxAnnotations = 256 << 10
	// maxArgument is for one argument of a program, the closing zero byte
	// among it (MAX_ARG_STRLEN, linux include/uapi/linux/binfmts.h).
	maxArgument = 128 << 10
)

// maxSinglePorts is how many ports a list of single ones may have before it is
// worth a word: the mesh's rules have one or two for each, which the kernel tries
// one after the other for every new connection.
const maxSinglePorts = 1000

// annotationSize finds annotations that the API server refuses.
func annotationSize(e *examination) {
	w := e.workload
	for _, of := range []struct {
		annotations node.Value
		path        edit.Path
	}{
		{e.own, w.Path("metadata", "annotations")},
		{e.template, w.annotations},
	} {
		if atMost(of.annotations.Node()) <= maxAnnotations {
			continue // nearly always
		}
		if n := sizeOf(of.annotations, ""); n > maxAnnotations {
			e.find(w.Object, of.path, "", n>>10, maxAnnotations>>10)
		}
		if slices.Equal(w.annotations, w.Path("metadata", "annotations")) {
			break // a pod is its own template
		}
	}
}

// sizeOf gives the bytes of keys and values but those of one key.
func sizeOf(annotations node.Value, without string) int {
	size := 0
	for key, value := range annotations.Strings() {
		if key != without {
			size += len(key) + len(value)
		}
	}
	return size
}

// argumentSize finds annotations that the mesh's init container is given as one
// argument, which the kernel would not take.
func argumentSize(e *examination) {
	for _, k := range e.workload.on.Keys {
		if value := e.annotation(k.Annotation); len(value) >= maxArgument {
			e.find(e.workload.Object, e.workload.annotation(k.Annotation), "", len(value)>>10, maxArgument>>10)
		}
	}
}

// lastApplied is where kubectl keeps the whole object, as JSON.
const lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

// objectSize finds objects that cannot be applied with the object itself in an
// annotation.
func objectSize(e *examination) {
	if len(lastApplied)+2*atMost(e.object.Node()) <= maxAnnotations { // its own annotations are in it
		return // nearly always
	}
	own := sizeOf(e.own, lastApplied)
	size := sizeOfJSON(e.object)
	if total := own + len(lastApplied) + size; total > maxAnnotations && own <= maxAnnotations {
		e.find(e.workload.Object, nil, "", size>>10, maxAnnotations>>10)
	}
}

// atMost is no less than sizeOfJSON: JSON writes no byte as more than six. What an alias
// stands for is not looked at.
func atMost(n *yaml.Node) int {
	if n == nil {
		return 0
	}
	if n.Kind == yaml.AliasNode {
		return maxAnnotations
	}
	size := len("null,") + 6*len(n.Value)
	for _, child := range n.Content {
		size += atMost(child)
	}
	return size
}

// sizeOfJSON gives the bytes of a value as JSON without blanks, as kubectl writes it. It
// visits no more than mostNodes values, since aliases may stand for more than there is.
func sizeOfJSON(v node.Value) int {
	left := mostNodes
	var of func(v node.Value) int
	of = func(v node.Value) int {
		if left--; left < 0 {
			return 0
		}
		size := len("{}") + max(0, v.Len()-1) // commas
		switch {
		case v.IsMapping():
			for e := range v.Entries() {
				size += textSize(e.Key) + len(":") + of(e.Value)
			}
		case v.IsList():
			for _, item := range v.Items() {
				size += of(item)
			}
		default:
			return jsonSize(v)
		}
		return size
	}
	return of(v)
}

func jsonSize(scalar node.Value) int {
	switch {
	case scalar.IsString():
		return textSize(scalar.Text())
	case scalar.IsNull():
		return len("null")
	}
	return len(scalar.Text())
}

func textSize(text string) int {
	if strings.IndexFunc(text, isEscaped) < 0 {
		return len(`""`) + len(text)
	}
	escaped, _ := json.Marshal(text) // strings always encode
	return len(escaped)
}

// isEscaped reports whether JSON may write a rune as more bytes than it has.
func isEscaped(r rune) bool {
	return r < ' ' || strings.ContainsRune("\"\\<>&\u2028\u2029\ufffd\x7f", r)
}

// portExpansion finds lists of single ports that make a mesh's rules long.
func portExpansion(e *examination) {
	for _, k := range e.workload.on.Keys {
		value := e.annotation(k.Annotation)
		n := strings.Count(value, ",") + 1
		if n <= maxSinglePorts || !slices.Contains(portFields, k.Field) {
			continue
		}
		e.find(e.workload.Object, e.workload.annotation(k.Annotation), "", e.linter.policy.Mesh.Name, n, pairsInstead[k.Field])
	}
}

var portFields = []traffic.Field{traffic.ExcludeInboundPorts, traffic.IncludeInboundPorts, traffic.ExcludeOutboundPorts, traffic.IncludeOutboundPorts}

// pairsInstead is how the init container alone can be given a range of ports.
var pairsInstead = map[traffic.Field]string{
	traffic.ExcludeOutboundPorts: `, or say it in excludeOutbound with ipRanges ["0.0.0.0/0", "::/0"], which the init container alone carries`,
}
