package transform

import (
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/finding"
	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// containerNames are those of our init containers: the first lets bypass what the settings
// say, and where more is to bypass while init containers run, the last ends that.
var containerNames = [...]string{InitName, CloseName}

// The places of the two in containerNames.
const (
	first = iota
	last
)

func isContainer(name string) bool { return slices.Contains(containerNames[:], name) }

// places are those of our init containers among all of a pod, -1 for one that is not there.
type places [len(containerNames)]int

var nowhere = places{-1, -1}

// ours gives the places of the first init containers by our names.
func (w *Workload) ours() (at places) {
	for i, name := range containerNames {
		at[i] = slices.IndexFunc(w.initContainers, func(c container) bool { return c.name == name })
	}
	return at
}

// containersOf gives the places of the init containers that are as they were written.
func (r *record) containersOf(w *Workload) (at places) {
	for i, name := range containerNames {
		at[i] = r.wroteContainer(w, name)
	}
	return at
}

// InitialField stands for all that a scope says for the time in which init containers run.
const InitialField traffic.Field = "forInitContainers"

// InitialGap is why no annotation says it.
const InitialGap = "an annotation holds as long as the pod does"

// InitialFields are the fields of that.
var InitialFields = []traffic.Field{traffic.ExcludeOutboundPorts, traffic.ExcludeOutboundIPRanges, traffic.ExcludeOutbound}

const initialSuffix = "." + string(InitialField)

// InitialPath is the field path of what a scope says for the time in which init containers
// run.
func InitialPath(scope string) string { return scope + initialSuffix }

// united gives the fold while init containers run: what they reach is taken away from what
// is included otherwise.
func (f Fold) united(initial Fold) Fold {
	said, all := initial.Layer(), slices.Clone(f)
	for i := range all {
		all[i].Left, _ = all[i].Left.Yield(said, traffic.Union)
	}
	return append(all, initial...)
}

func (c Claim) isInitial() bool { return strings.HasSuffix(c.Scope, initialSuffix) }

// isInitial reports whether it is one while init containers run.
func (f Fold) isInitial() bool { return len(f) > 0 && f[len(f)-1].isInitial() }

// claims are those of the settings, and of what there is beside them while init containers
// run.
func (p *Plan) claims() Fold { return slices.Concat(p.Fold, p.Initial) }

// HasInitial reports whether there are other settings while init containers run.
func (p *Plan) HasInitial() bool { return p.Decided && !p.Initially.Equal(p.Settings) }

// start adds to a ruling what there is while init containers run.
func (r *ruling) start(scopes []*Scope) {
	for _, scope := range scopes {
		if !scope.Initial.IsZero() {
			r.initial = r.initial.narrowed(InitialPath(scope.Path), scope.Initial, scope.Merge)
		}
	}
	if r.initially = r.settings; len(r.initial) > 0 {
		r.initially = r.fold.united(r.initial).Layer().Settings()
	}
	if r.hasInitial() {
		r.gaps = append(r.gaps, mesh.Gap{Field: InitialField, Reason: InitialGap})
	}
}

func (r *ruling) hasInitial() bool { return len(r.initial) > 0 && !r.initially.Equal(r.settings) }

// effective is what the digest on the template is of.
func (r *ruling) effective() string {
	if !r.hasInitial() {
		return r.settings.String()
	}
	return r.settings.String() + string(InitialField) + "\n" + r.initially.String()
}

// endConnections has the last init container end the connections that only the settings
// before it let bypass: they would go on past the sidecar.
const endConnections = "--end-connections"

// containers gives our init containers for a workload.
func (r *ruling) containers(w *Workload) (all [len(containerNames)]made) {
	all[first] = r.container()
	switch {
	case !r.hasInitial():
	case slices.ContainsFunc(w.initContainers, container.stays):
		all[last] = r.ends()
	default:
		all[last] = r.closes()
	}
	return all
}

// stays reports whether an init container runs as long as the pod does, with the connections
// that it opened (k8s.io/api/core/v1, ContainerRestartPolicyAlways).
func (c container) stays() bool { return c.value.Entry("restartPolicy").Text() == "Always" }

// reportNeedless warns of what is for init containers although they reach the mesh.
func (p *Plan) reportNeedless(w *Workload, was *prior) {
	why, key := p.on.Early.Of(was.annotations)
	if why == "" || !p.Container || !p.HasInitial() {
		return
	}
	at, value := w.templatePath("spec", "initContainers"), ""
	if key != "" {
		at, value = was.at(w, key), was.annotations[key]
	}
	var scopes []string
	for _, c := range p.Initial {
		if !c.Left.IsZero() {
			scopes = append(scopes, c.Scope)
		}
	}
	p.warn(finding.InitWithoutNeed, at, value, "%s, so that these need nothing of what %s lets bypass: remove it for these pods, or clear its fields in a rule for them", why, strings.Join(scopes, " and "))
}

// written gives the places of our init containers when they are written.
func written(w *Workload, was *prior, d desired) (at []int) {
	theirs := len(w.foreign(was.containers)) - len(w.containers)
	for i, place := range []int{0, theirs + 1} {
		if d.containers[i].node != nil {
			at = append(at, place)
		}
	}
	return at
}
