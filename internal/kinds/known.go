package kinds

import (
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/each"
)

// whole are templates all of which stands at a path.
func whole(paths ...string) []Template {
	return each.As(paths, func(path string) Template { return Template{Path: at(path)} })
}

// joined is a whole template that the operator joins with its own. What is absent of the
// path is made below needs.
func joined(path, needs string) Template {
	return Template{Path: at(path), Create: true, Needs: at(needs), Merged: true}
}

// listed is joined, but that the API wants a list of containers, if an empty one, as soon as
// there is a spec. None is made for it: without one there are the annotations.
func listed(path, needs string) Template {
	t := joined(path, needs)
	t.Merged = false
	return t
}

// annotated is a template of which the operator takes the annotations alone. Needs is ""
// where all of the path is made.
func annotated(annotations, needs string) Template {
	return Template{Annotations: at(annotations), Create: true, Needs: append(Path{}, at(needs)...)}
}

// with adds where init containers and pull secrets stand, "" for those that are not taken.
func (t Template) with(initContainers, pullSecrets string) Template {
	t.InitContainers, t.PullSecrets = at(initContainers), at(pullSecrets)
	return t
}

// above says which annotations of the object count where the template does not say a key.
func (t Template) above(annotations string) Template {
	t.Over = at(annotations)
	return t
}

// Checkout is a repository at a commit, in which rows were read. It is a constant, so that
// the compiler makes most lists of sources, and no program when it starts.
type Checkout string

// Repository is its owner and name.
func (c Checkout) Repository() string {
	repository, _, _ := strings.Cut(string(c), "@")
	return repository
}

// Commit is that at which it was read.
func (c Checkout) Commit() string { return strings.TrimPrefix(string(c), c.Repository()+"@") }

func (c Checkout) at(path, lines, says string) Source {
	return Source{Checkout: c, Path: path, Lines: lines, Says: says}
}

// builtIn are Kubernetes' own. It documents for each of them what becomes of pods that run
// (kubernetes.io/docs/concepts/workloads/controllers).
var builtIn = []Kind{
	{Group: "apps", Kind: "Deployment", Templates: []Template{{Path: Path{{Key: "spec"}, {Key: "template"}}}}},
	{Group: "apps", Kind: "StatefulSet", Short: "sts", Templates: []Template{{Path: Path{{Key: "spec"}, {Key: "template"}}}}},
	{Group: "apps", Kind: "DaemonSet", Short: "ds", Templates: []Template{{Path: Path{{Key: "spec"}, {Key: "template"}}}}},
	{Group: "apps", Kind: "ReplicaSet", Short: "rs", Templates: []Template{{Path: Path{{Key: "spec"}, {Key: "template"}}}}, NextStart: true},
	{Kind: "ReplicationController", Short: "rc", Templates: []Template{{Path: Path{{Key: "spec"}, {Key: "template"}}}}, NextStart: true},
	{Kind: "PodTemplate", Templates: []Template{{Path: Path{{Key: "template"}}}}, NextStart: true},
	{Kind: "Pod", Short: "po", Templates: []Template{{}}, Fixed: true},
	{Group: "batch", Kind: "Job", Templates: []Template{{Path: Path{{Key: "spec"}, {Key: "template"}}}}, Fixed: true},
	{Group: "batch", Kind: "CronJob", Short: "cj", Templates: []Template{{Path: Path{{Key: "spec"}, {Key: "jobTemplate"}, {Key: "spec"}, {Key: "template"}}}}, NextStart: true},
}
