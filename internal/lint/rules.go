package lint

import (
	"cmp"
	"slices"
	"strings"
)

// istioMutual is the TLS mode of a DestinationRule that is Istio's mTLS.
const istioMutual = "ISTIO_MUTUAL"

// clusterDomain is the DNS domain of a cluster where nobody set another; what
// stands for it in a host does not matter here.
const clusterDomain = "svc.cluster.local"

// rules finds the DestinationRules of Services: those in the namespace of the
// Service, else those of the root namespace. One in a caller's own namespace is
// for that caller alone.
type rules struct {
	j *judgement
	// hosts are those for one host, by namespace, wild those for many.
	hosts map[[2]string][]*destinationRule
	wild  map[string][]*destinationRule
	// named are all by namespace and name.
	named map[[2]string]*destinationRule
}

func newRules(j *judgement) *rules {
	r := &rules{j: j, hosts: map[[2]string][]*destinationRule{}, wild: map[string][]*destinationRule{}, named: map[[2]string]*destinationRule{}}
	for _, d := range viewed[destinationRule](j.items) {
		r.named[[2]string{j.namespace(d.Namespace), d.Name}] = d
		if d.Spec.WorkloadSelector != nil {
			continue // it is for the callers that it selects
		}
		namespace := j.namespace(d.Namespace)
		if strings.HasPrefix(d.Spec.Host, "*") {
			r.wild[namespace] = append(r.wild[namespace], d)
			continue
		}
		at := [2]string{namespace, hostOf(d.Spec.Host, namespace)}
		r.hosts[at] = append(r.hosts[at], d)
	}
	return r
}

// hostOf gives the full name of a host as Istio reads it: a name without dots is
// a Service's beside the object (ResolveShortnameToFQDN in istio/istio
// pilot/pkg/model/config.go).
func hostOf(host, namespace string) string {
	if name, _, full := strings.Cut(host, ".svc."); full {
		return name + "." + clusterDomain
	}
	if host != "" && !strings.Contains(host, ".") {
		return host + "." + namespace + "." + clusterDomain
	}
	return host
}

// of gives the rules that may count for a Service, in the order of their names.
func (r *rules) of(s *service) []*destinationRule {
	own := r.j.namespace(s.Namespace)
	host := hostOf(s.Name, own)
	for _, namespace := range append([]string{own}, r.j.roots...) {
		found := r.hosts[[2]string{namespace, host}]
		if len(found) == 0 {
			found = longest(r.wild[namespace], host)
		}
		if len(found) > 0 {
			return inOrder(found)
		}
	}
	return nil
}

// missing gives the rule that was added for a Service and misses it, since its host is what the
// Service is called in a base; nil for none.
func (r *rules) missing(s *service) *destinationRule {
	own := r.j.namespace(s.Namespace)
	d := r.named[[2]string{own, s.Name + addedFor}]
	if d == nil || d.Spec.WorkloadSelector != nil {
		return nil
	}
	host := hostOf(d.Spec.Host, own)
	name, _, _ := strings.Cut(d.Spec.Host, ".")
	isService := func(other *service) bool { return hostOf(other.Name, r.j.namespace(other.Namespace)) == host }
	if name == "" || !strings.Contains(s.Name, name) || slices.ContainsFunc(viewed[service](r.j.items), isService) {
		return nil
	}
	return d
}

// longest gives those of the rules with wildcards that match most of a host.
func longest(rules []*destinationRule, host string) []*destinationRule {
	var found []*destinationRule
	most := -1
	for _, d := range rules {
		suffix := strings.TrimPrefix(d.Spec.Host, "*")
		if !strings.HasSuffix(host, suffix) || len(suffix) < most {
			continue
		}
		if len(suffix) > most {
			found, most = nil, len(suffix)
		}
		found = append(found, d)
	}
	return found
}

// mode gives the TLS mode for a port of the Service, if the rule says one. The
// mode that is not written is the first, DISABLE.
func (d *destinationRule) mode(port uint16) (mode string, said bool) {
	policy := d.Spec.TrafficPolicy
	tls := policy.TLS
	for _, level := range policy.PortLevelSettings {
		if level.Port.Number == port && level.TLS != nil {
			tls = level.TLS
			break
		}
	}
	if tls == nil {
		return "", false
	}
	return cmp.Or(tls.Mode, disable), true
}

// modes gives those of the rules by which callers of a port speak Istio's mTLS,
// and whether another says a different TLS mode.
func (r *rules) modes(rules []*destinationRule, to reached) (mutual []*destinationRule, other bool) {
	for _, rule := range rules {
		switch mode, said := rule.mode(to.view().Port); {
		case said && mode == istioMutual:
			mutual = append(mutual, rule)
		case said:
			other = true
		}
	}
	return mutual, other
}
