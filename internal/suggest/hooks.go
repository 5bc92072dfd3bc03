package suggest

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/node"
)

// called are the kinds by which the API server calls Services
// (k8s.io/api admissionregistration/v1, apiextensions/v1 and kube-aggregator
// pkg/apis/apiregistration/v1).
var called = []struct {
	kind string
	// each leads to what calls, "*" to each of a list, and on to the Service.
	each edit.Path
	does string
}{
	{"ValidatingWebhookConfiguration.admissionregistration.k8s.io", edit.Path{"webhooks", "*", "clientConfig", "service"}, "validates by"},
	{"MutatingWebhookConfiguration.admissionregistration.k8s.io", edit.Path{"webhooks", "*", "clientConfig", "service"}, "mutates by"},
	{"CustomResourceDefinition.apiextensions.k8s.io", edit.Path{"spec", "conversion", "webhook", "clientConfig", "service"}, "converts by"},
	{"APIService.apiregistration.k8s.io", edit.Path{"spec", "service"}, "serves its API by"},
}

// hooks are webhooks and API services: the API server is in no mesh.
var hooks = source{
	reads: func() []string { return []string{called[0].kind, called[1].kind, called[2].kind, called[3].kind} },
	look: func(t *tree) {
		for _, c := range called {
			for _, o := range t.beside[c.kind] {
				told := map[string]bool{} // an object may have many hooks to one port
				along(o.Value, nil, c.each, func(at edit.Path, service node.Value) {
					if key := service.Entry("namespace").Text() + "/" + service.Entry("name").Text() + ":" + service.Entry("port").Text(); !told[key] {
						told[key] = true
						t.hook(o, c.does, at, service)
					}
				})
			}
		}
	},
}

// along visits the values that a path leads to.
func along(v node.Value, at, path edit.Path, visit func(edit.Path, node.Value)) {
	if len(path) == 0 {
		if v.IsMapping() {
			visit(at, v)
		}
		return
	}
	if path[0] == "*" {
		for i, item := range v.Items() {
			along(item, append(at[:len(at):len(at)], i), path[1:], visit)
		}
		return
	}
	along(v.At(path[0]), append(at[:len(at):len(at)], path[0]), path[1:], visit)
}

func (t *tree) hook(o *thing, does string, at edit.Path, of node.Value) {
	name := [2]string{cmp.Or(of.Entry("namespace").Text(), t.Policy.Namespace), of.Entry("name").Text()}
	s := cmp.Or(t.called[name], t.called[[2]string{"", name[1]}]) // of which nobody has said the namespace yet
	if s == nil {
		t.note("%s: no rule is proposed, because its Service %s is not among the manifests", o.at(at...), strings.TrimPrefix(name[0]+"/"+name[1], "/"))
		return
	}
	number := cmp.Or(of.Entry("port").Text(), "443")
	if why := t.leadsNowhere(s, number); why != "" {
		t.note("%s: no rule is proposed, because %s", o.at(at...), why)
		return
	}
	for _, p := range s.ports {
		if strconv.Itoa(int(p.number)) != number {
			continue
		}
		for _, w := range t.leads(s) {
			port := w.port(p.target)
			reason := fmt.Sprintf("%s: the API server, outside the mesh, %s port %d, behind %s", o.at(at...), does, port, s.at("spec", "ports", p.index))
			t.suggest(Suggestion{workload: w, inbound: []uint16{port}, outside: true, reasons: []string{reason}})
		}
	}
}

// leadsNowhere says why a port of a Service leads to no workload that is seen, "" where it
// leads to one.
func (t *tree) leadsNowhere(s *service, number string) string {
	spec := s.Below("spec")
	switch {
	case spec.Entry("type").Text() == "ExternalName":
		return fmt.Sprintf("%s leads to the name %s, of which krm-bypass cannot tell whether pods with a sidecar answer: if some do, write a rule for their port", s.at("spec", "externalName"), spec.Entry("externalName").Text())
	case len(s.selector) == 0:
		return fmt.Sprintf("%s has no selector, so krm-bypass cannot tell whether pods with a sidecar answer: if some do, write a rule for their port", s.at("spec"))
	case !slices.ContainsFunc(s.ports, func(p servicePort) bool { return strconv.Itoa(int(p.number)) == number }):
		return fmt.Sprintf("%s has no port %s", s.at("spec", "ports"), number)
	case len(t.leads(s)) == 0:
		return fmt.Sprintf("no workload among the manifests has the labels that %s selects", s.at("spec", "selector"))
	}
	return ""
}
