package transform

import (
	"fmt"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/mesh"
)

// LeftAloneIs begins the note on a workload that is left alone.
const LeftAloneIs = "left alone: "

// leaveAlone says why a workload that the policy speaks of is not touched, and
// by which of its fields; "" if nothing is in the way.
func (p *Policy) leaveAlone(w *Workload, was *prior, namespace string, on *mesh.Mesh) (reason string, by edit.Path) {
	if reason := p.LeftNamespace(namespace); reason != "" {
		return reason, w.Path("metadata", "namespace")
	}
	reason, by = w.isPatch()
	switch {
	case w.kind.Left != "":
		return w.kind.Left, w.Path("kind")
	case w.referenced:
		return "it takes its pods from another workload, through " + w.kind.Reference.String(), w.Path(keysOf(w.kind.Reference)...)
	case w.stand.missing != "":
		if w.stand.by == "" {
			return fmt.Sprintf("it has no %s, where krm-bypass would write for its pods", w.stand.missing), w.Path()
		}
		return fmt.Sprintf("there is no %s in it; write create: true in %s to have it made", w.stand.missing, w.stand.by), w.Path()
	case w.podless && w.meant != "":
		return fmt.Sprintf("there is no pod template at the path in %s; one is at %s", w.stand.by, w.meant), w.templatePath()
	case w.podless:
		return "its template has no pod spec, as in a patch; a whole workload needs one", w.templatePath("spec")
	case w.controlled:
		return "a controller owns it and would undo any change", w.Path("metadata", "ownerReferences")
	case w.hostNetwork:
		return "it uses the host's network, where the rules would change the node", w.hostNetworkPath()
	case w.windows != nil:
		return "it runs on Windows, where there is no such sidecar", w.templatePath(w.windows...)
	case reason != "":
		return reason, by
	case w.kind.Fixed && !p.mentioned(w, namespace) && !w.replaceable():
		once := "cannot be changed once it is in a cluster"
		if !w.kind.IsKubernetes() {
			once = "that is in a cluster takes no change, or runs again for one"
		}
		return fmt.Sprintf("%s %s; to opt in, name the kind in the match.kinds of a rule for it, or let it be created anew each time (generateName, a hook, or a Replace or Force sync option)", A(w.Kind), once), w.Path("kind")
	}
	return on.Unmeshed(w.TemplateLabels, was.annotations), w.templatePath("metadata")
}

// WhyLeftAlone says why the policy does not touch a workload, and by which field of it;
// "" if it does.
func (p *Plan) WhyLeftAlone() string {
	if len(p.leftBy) == 0 {
		return p.LeftAlone
	}
	return fmt.Sprintf("%s (%s)", p.LeftAlone, p.Workload.relative(p.leftBy))
}

// Unintercepted says why the mesh has no say in the pods of a planned workload, ""
// if it has, or if that is not known.
func (p *Policy) Unintercepted(plan *Plan) string {
	w := plan.Workload
	switch {
	case plan.in != 0 || plan.was == nil:
		return ""
	case p.LeftNamespace(plan.Namespace) != "":
		return p.LeftNamespace(plan.Namespace)
	case w.hostNetwork:
		return "it uses the host's network, where there is no sidecar"
	case w.windows != nil:
		return "it runs on Windows, where there is no such sidecar"
	}
	return plan.on.Unmeshed(w.TemplateLabels, plan.was.annotations)
}

// replaceable reports whether an object is made anew instead of being changed.
func (w *Workload) replaceable() bool {
	if w.generated {
		return true
	}
	for _, hook := range []string{"argocd.argoproj.io/hook", "helm.sh/hook"} {
		if _, hooked := w.Annotations[hook]; hooked {
			return true
		}
	}
	for option := range strings.SplitSeq(w.Annotations["argocd.argoproj.io/sync-options"], ",") {
		switch strings.TrimSpace(option) {
		case "Replace=true", "Force=true":
			return true
		}
	}
	return false
}

// LeftAlone says why the policy does not touch a workload whatever its rules
// say; "" where nothing is in the way.
func (p *Policy) LeftAlone(w *Workload) string {
	namespace := p.namespaceOf(w)
	reason, _ := p.leaveAlone(w, &prior{annotations: w.TemplateAnnotations}, namespace, p.place(w, w.TemplateAnnotations, namespace).on)
	return reason
}
