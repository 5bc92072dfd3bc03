package kinds

import (
	"slices"
	"strings"
	"sync"
)

// Known gives the kinds that are known without being named in a policy.
var Known = sync.OnceValue(func() []Kind {
	return slices.Concat(
		builtIn, rollouts(), knative(),
		strimzi(), messaging(), elastic(), openSearches(), prometheus(), victoriaMetrics(), telemetry(), postgres(), mysql(), redis(), databases(), keycloaks(),
		kubeflow(), ray(), jobs(), argo(), sparkKinds(), flinkKinds(), openshiftKinds(), actionsKinds(), agonesKinds(), kServeKinds(), jenkinsKinds(), crossplaneKinds(),
		left(),
	)
})

// Find finds a known kind; its row is to be looked at alone. Nearly all objects are of
// Kubernetes' own groups, so that most programs end without having made the other rows.
func Find(group, kind string) (*Kind, bool) {
	k, found := among(builtIn, group, kind)
	if found || isKubernetes(group) {
		return k, found
	}
	return among(Known(), group, kind)
}

// isKubernetes reports whether a group is one of Kubernetes' own, which no operator may
// take (kubernetes/enhancements KEP-2337). Spark's has taken one.
func isKubernetes(group string) bool {
	return !strings.Contains(group, ".") || strings.HasSuffix(group, ".k8s.io") && group != "sparkoperator.k8s.io"
}

// Table holds the kinds that a policy knows: rows of its own, and all known kinds that
// none of them stands for.
type Table []Kind

// Put adds a row, or puts it in the place of the one for its kind.
func (t *Table) Put(k Kind) {
	if row, found := among(*t, k.Group, k.Kind); found {
		*row = k
	} else {
		*t = append(*t, k)
	}
}

// Find finds a kind.
func (t Table) Find(group, kind string) (*Kind, bool) {
	if k, found := among(t, group, kind); found {
		return k, true
	}
	return Find(group, kind)
}

// Names reports whether a match's entry names a kind.
func (t Table) Names(entry string) bool {
	named := func(k Kind) bool { return k.Named(entry) }
	return slices.ContainsFunc(builtIn, named) || slices.ContainsFunc(t, named) || slices.ContainsFunc(Known(), named)
}

// All gives all kinds, those that are known first.
func (t Table) All() []Kind {
	all := Table(slices.Clone(Known()))
	for _, k := range t {
		all.Put(k)
	}
	return all
}
