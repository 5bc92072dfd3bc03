package lint

import (
	"cmp"
	"iter"
	"maps"
	"slices"

	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/transform"
)

// The labels of Pod Security, most severe first, and what each does to a pod
// (k8s.io/pod-security-admission api/constants.go).
var podSecurityLabels = []struct{ label, effect string }{
	{"pod-security.kubernetes.io/enforce", "so that their pods are refused"},
	{"pod-security.kubernetes.io/warn", "so that whoever applies them is warned"},
	{"pod-security.kubernetes.io/audit", "so that the audit log has an entry for each of their pods"},
}

// forbidding are the levels that forbid NET_ADMIN (k8s.io/pod-security-admission
// policy/check_capabilities_baseline.go; restricted holds all of baseline).
var forbidding = []string{"baseline", "restricted"}

// namespaces visits the Namespaces that have workloads of a kind.
func (j *judgement) namespaces(of func(*Workload) bool) iter.Seq2[*namespace, []*Workload] {
	found := map[string][]*Workload{}
	for _, w := range j.workloads {
		if of(w) {
			found[w.namespace] = append(found[w.namespace], w)
		}
	}
	return func(yield func(*namespace, []*Workload) bool) {
		for _, n := range viewed[namespace](j.items) {
			if workloads := found[n.Name]; len(workloads) > 0 && !yield(n, workloads) {
				return
			}
		}
	}
}

// podSecurity finds Namespaces in which the init container may not be. Of their
// labels only the most severe that forbids it is spoken of.
func podSecurity(j *judgement) {
	for n, workloads := range j.namespaces(func(w *Workload) bool { return w.contained }) {
		for _, l := range podSecurityLabels {
			level := n.labels[l.label]
			if !slices.Contains(forbidding, level) {
				continue
			}
			j.find(n.Object, n.Path("metadata", "labels", l.label), level,
				level, transform.InitName, some(idsOf(workloads)), l.effect, fitting(workloads))
			break
		}
	}
}

// fitting says how the settings of workloads can be enforced without the init
// container.
func fitting(workloads []*Workload) string {
	var needing, fields []string
	for _, w := range workloads {
		if len(w.beyond) > 0 {
			needing = append(needing, w.ID())
		}
		for _, field := range w.beyond {
			fields = append(fields, string(field))
		}
	}
	if len(needing) == 0 {
		return "set enforcement.mode: AnnotationsOnly in the rule for this namespace, since the mesh's annotations can say all of it"
	}
	fix := "set the label to privileged, or remove what only the init container can do (" + some(fields) + ")"
	if len(needing) == len(workloads) {
		return fix
	}
	return "set enforcement.mode: WhereNeeded in the rule for this namespace, so that only " + some(needing) + " " + verb(len(needing) == 1, "has", "have") + " it; for that, " + fix
}

// unmeshedNamespace finds Namespaces whose pods are not in the mesh, or in another data
// plane of it, although the policy writes for them.
func unmeshedNamespace(j *judgement) {
	for n, workloads := range j.namespaces(func(w *Workload) bool { return w.written }) {
		type said struct{ reason, remedy string }
		of := map[said][]*Workload{}
		for _, w := range workloads {
			if reason, remedy := j.unmeshed(n, w); reason != "" {
				of[said{reason, remedy}] = append(of[said{reason, remedy}], w)
			}
		}
		for _, s := range slices.SortedFunc(maps.Keys(of), func(a, b said) int {
			return cmp.Or(cmp.Compare(a.reason, b.reason), cmp.Compare(a.remedy, b.remedy))
		}) {
			j.find(n.Object, n.Path("metadata"), "", s.reason, some(idsOf(of[s])), s.remedy)
		}
	}
}

// unmeshed says why the Namespace keeps the pods of a workload out of the mesh as they
// have it, and what to do; "" where it does not. A template that is certain is spoken of
// only where the Namespace shuts out the sidecar that it asks for. Its own label for a
// data plane goes before that of the Namespace (istio/istio
// cni/pkg/util/enablement_selector.go, manifests/charts/istio-cni/values.yaml), and is
// told of by itself where the policy has the pods with a sidecar.
func (j *judgement) unmeshed(n *namespace, w *Workload) (reason, remedy string) {
	base, labels := j.linter.policy.Mesh, n.labels
	plane := base.PlaneLabel()
	own, _ := w.labels.value(plane.Key)
	labelled := plane.Key != "" && own == plane.Value
	if labelled || w.certain {
		labels = maps.Clone(labels)
		delete(labels, plane.Key)
		if w.on == base && base.UnmeshedNamespace(labels, n.annotations) == "" || w.on != base && w.certain || w.on == base && !w.certain {
			return "", ""
		}
		if value, said := n.labels[plane.Key]; said && !labelled {
			labels[plane.Key] = value
		}
	}
	ambient := plane.Key != "" && labels[plane.Key] == plane.Value
	switch reason := w.on.UnmeshedNamespace(labels, n.annotations); {
	case reason == "":
		return "", ""
	case w.on != base && labels[plane.Key] != mesh.NoPlane && base.UnmeshedNamespace(labels, n.annotations) == "":
		return reason, inPlane(mesh.Sidecar)
	case w.on != base || !ambient:
		return reason, "remove the namespace from spec.enrolment"
	default:
		remedy = inPlane(mesh.Ambient)
		if w.certain {
			remedy = "remove " + plane.Instead + " from their templates, and " + remedy
		}
		if !w.contained {
			reason += " and nothing bypasses by annotations alone"
		}
		return reason, remedy
	}
}

func inPlane(plane mesh.DataPlane) string {
	return "write dataPlane: " + string(plane) + " in a rule for it under spec.namespaces"
}
