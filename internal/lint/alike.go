package lint

import (
	"cmp"
	"fmt"
	"strconv"
)

// chooser is a view of an object that selects pods by their labels.
type chooser interface {
	inNamespace() string
	selects() map[string]string
}

func (o *resource) inNamespace() string { return o.Namespace }

func (p *peerAuthentication) selects() map[string]string          { return p.Spec.Selector.MatchLabels }
func (p *authorizationPolicy) selects() map[string]string         { return p.Spec.Selector.MatchLabels }
func (r *requestAuthenticationObject) selects() map[string]string { return r.Spec.Selector.MatchLabels }
func (s *service) selects() map[string]string                     { return s.Spec.Selector }
func (s *sidecar) selects() map[string]string                     { return s.Spec.WorkloadSelector.Labels }

// represented gives one workload for all that no check can tell apart beside the
// items, with all of them in its crowd: as many workloads as one likes cost the
// checks no more than one, as long as they bypass the same and the items select
// them by the same labels.
func represented(workloads []*Workload, items Items) []*Workload {
	asked := map[string]bool{tlsModeLabel: true}
	for _, v := range items {
		if s, is := v.(chooser); is {
			for key := range s.selects() {
				asked[key] = true
			}
		}
	}
	type class struct {
		namespace string
		*bypass
		rest string
	}
	known := map[class]*Workload{}
	var all []*Workload
	for _, w := range workloads {
		at := class{w.namespace, w.bypass, w.distinction(asked)}
		one := known[at]
		if one == nil {
			copied := *w
			one = &copied
			one.crowd = &crowd{}
			known[at] = one
			all = append(all, one)
		}
		one.members = append(one.members, w)
		one.crowd.name(w.ID())
	}
	return all
}

// distinction is equal for workloads that have the same named ports and the same
// of the labels that are asked for, and of which the same says whether DNS is captured. A
// workload that says it for itself is like no other.
func (w *Workload) distinction(asked map[string]bool) string {
	var b []byte
	for _, l := range w.labels {
		if asked[l.key] {
			b = strconv.AppendQuote(append(strconv.AppendQuote(b, l.key), '='), l.value)
		}
	}
	b = strconv.AppendBool(append(b, ' '), len(w.labels) > 0)
	if w.named != nil {
		b = fmt.Appendf(b, " %+v", w.named)
	}
	if w.capture != nil {
		b = fmt.Appendf(b, " %p", cmp.Or(w.capture.By, w.Object))
	}
	return string(b)
}
