package suggest

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/each"
	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/object"
	"github.com/krm-bypass/krm-bypass/internal/transform"
)

// monitors are the kinds that have Prometheus, or what reads them in its place, call
// pods (prometheus-operator/prometheus-operator pkg/apis/monitoring/v1;
// VictoriaMetrics/operator api/operator/v1beta1).
var monitors = []struct {
	kind string
	// endpoints is the field that lists them, and pods says that they are ports of pods
	// and not of Services.
	endpoints string
	pods      bool
	// selector begins the fields by which those who read such objects select them.
	selector string
	readers  readers
}{
	{"ServiceMonitor.monitoring.coreos.com", "endpoints", false, "serviceMonitor", ofPrometheus},
	{"PodMonitor.monitoring.coreos.com", "podMetricsEndpoints", true, "podMonitor", ofPrometheus},
	{"VMServiceScrape.operator.victoriametrics.com", "endpoints", false, "serviceScrape", ofVictoria},
	{"VMPodScrape.operator.victoriametrics.com", "podMetricsEndpoints", true, "podScrape", ofVictoria},
}

// readers are kinds of which an operator makes pods that read monitors. Without an
// operator none are read.
type readers struct {
	kinds []string
	// all is the field that has all monitors selected where there is no selector at all,
	// and open says that no selector beside one of Namespaces selects them all.
	all  string
	open bool
}

// A selector that is absent selects nothing, one of Namespaces the reader's own
// (prometheus-operator/prometheus-operator pkg/apis/monitoring/v1/prometheus_types.go,
// CommonPrometheusFields). In VictoriaMetrics one of the two is enough
// (VictoriaMetrics/operator api/operator/v1beta1/vmagent_types.go, VMAgentSpec).
var (
	ofPrometheus = readers{kinds: []string{"Prometheus.monitoring.coreos.com", "PrometheusAgent.monitoring.coreos.com"}}
	ofVictoria   = readers{kinds: []string{"VMAgent.operator.victoriametrics.com"}, all: "selectAllByDefault", open: true}
)

var metrics = source{
	reads: func() []string {
		return slices.Concat([]string{monitors[0].kind, monitors[1].kind, monitors[2].kind, monitors[3].kind}, ofPrometheus.kinds, ofVictoria.kinds)
	},
	look: func(t *tree) {
		for _, m := range monitors {
			who := t.scraper("no "+m.kind, func(w *workload) bool { return w.is(m.readers.kinds) })
			for _, o := range t.beside[m.kind] {
				for i, endpoint := range o.Below("spec", m.endpoints).Items() {
					of := scrape{o.at("spec", m.endpoints, i), who}
					if certified(endpoint) {
						of.scraper = of.doubted("Prometheus shows a certificate there (tlsConfig): if it is the mesh's own, a bypass breaks what works")
					}
					if doubt := t.unselected(o, m.selector, m.readers); doubt != "" {
						of.scraper = of.doubted(doubt)
					}
					if m.pods {
						t.scrapePods(o, endpoint, of)
					} else {
						t.scrapeServices(o, endpoint, of)
					}
				}
			}
		}
	},
}

// scrape is one endpoint of a monitor, and what calls it.
type scrape struct {
	by string
	scraper
}

// doubted is the scraper where it is not sure that it calls.
func (s scraper) doubted(why string) scraper {
	return scraper{s.name, unknown, nil, append(slices.Clone(s.doubts), why)}
}

// unselected says why nobody among the manifests selects a monitor, "" where one may.
func (t *tree) unselected(o *thing, field string, by readers) string {
	doubt := ""
	for _, kind := range by.kinds {
		for _, p := range t.beside[kind] {
			of := p.Entry("spec")
			monitors, spaces := of.Entry(field+"Selector"), of.Entry(field+"NamespaceSelector")
			neither := !monitors.IsMapping() && !spaces.IsMapping()
			switch {
			case neither && of.Entry(by.all).Truth():
				return ""
			case neither, !monitors.IsMapping() && !by.open:
				doubt = fmt.Sprintf("%s selects no such object: it has no spec.%sSelector", p.ID(), field)
			case !selects(monitors, o.Below("metadata", "labels").Strings()):
				doubt = fmt.Sprintf("%s does not select it by spec.%sSelector", p.ID(), field)
			case !spaces.IsMapping() && o.namespace != p.namespace, spaces.Len() > 0 && !t.selectsNamespace(spaces, o.namespace):
				doubt = fmt.Sprintf("%s does not select its namespace by spec.%sNamespaceSelector", p.ID(), field)
			default:
				return ""
			}
		}
	}
	return doubt
}

// selectsNamespace reports whether a selector takes a Namespace, as far as it is known:
// its name is a label of it everywhere.
func (t *tree) selectsNamespace(selector node.Value, name string) bool {
	labels := map[string]string{}
	for _, n := range t.beside["Namespace"] {
		if n.Name == name {
			labels = n.Below("metadata", "labels").Strings()
		}
	}
	labels = maps.Clone(labels)
	if labels == nil {
		labels = map[string]string{}
	}
	labels["kubernetes.io/metadata.name"] = name
	return selects(selector, labels)
}

// of proposes a port by the name that the monitor has for it, "" for none.
func (s scrape) of(w *workload, port uint16, name string) Suggestion {
	reason := fmt.Sprintf("%s has %s scrape port %d", s.by, s.name, port)
	called := map[uint16]string{}
	if w.onlyIs(name, port) {
		called[port] = name
	}
	return Suggestion{workload: w, inbound: []uint16{port}, names: called, reasons: []string{reason}, outside: s.standing == outside, standing: s.why, doubts: s.doubts}
}

// onlyIs reports whether a name is that of one number in all containers, whatever the
// protocol.
func (w *workload) onlyIs(name string, number uint16) bool {
	is := false
	for _, p := range w.ports() {
		if p.name == name {
			if p.number != number {
				return false
			}
			is = name != ""
		}
	}
	return is
}

func certified(endpoint node.Value) bool {
	tls := endpoint.Entry("tlsConfig")
	return tls.Entry("certFile").Text() != "" || tls.Entry("cert").IsMapping() && tls.Entry("cert").Len() > 0
}

func (t *tree) scrapePods(o *thing, endpoint node.Value, of scrape) {
	for _, w := range t.workloads {
		if !o.reaches(w.namespace) || !selects(o.Below("spec", "selector"), w.TemplateLabels) {
			continue
		}
		text := cmp.Or(endpoint.Entry("port").Text(), endpoint.Entry("portNumber").Text(), endpoint.Entry("targetPort").Text())
		if number := w.declared(text); number != 0 {
			t.suggest(of.of(w, number, text))
		}
	}
}

func (t *tree) scrapeServices(o *thing, endpoint node.Value, of scrape) {
	for _, s := range t.services {
		if !o.reaches(s.namespace) || !selects(o.Below("spec", "selector"), s.labels) {
			continue
		}
		for _, w := range t.leads(s) {
			text := endpoint.Entry("targetPort").Text()
			named := cmp.Or(endpoint.Entry("port").Text(), text)
			if i := slices.IndexFunc(s.ports, func(p servicePort) bool { return p.name != "" && p.name == endpoint.Entry("port").Text() }); i >= 0 {
				text = s.ports[i].target
			}
			number := w.port(text)
			if text == endpoint.Entry("targetPort").Text() {
				number = w.declared(text)
			}
			if number != 0 {
				t.suggest(of.of(w, number, named))
			}
		}
	}
}

// declared is a port of the pod that its containers name: Prometheus keeps no other
// where a monitor gives the pod's port (prometheus-operator/prometheus-operator
// pkg/prometheus/promcfg.go, __meta_kubernetes_pod_container_port_number).
func (w *workload) declared(text string) uint16 {
	number := w.port(text)
	if slices.ContainsFunc(w.ports(), func(p port) bool { return p.number == number }) {
		return number
	}
	return 0
}

// reaches reports whether a monitor selects in a namespace.
func (o *thing) reaches(namespace string) bool {
	names := o.Below("spec", "namespaceSelector", "matchNames").Items()
	switch {
	case o.Below("spec", "namespaceSelector", "any").Truth():
		return true
	case len(names) > 0:
		return slices.ContainsFunc(names, func(n node.Value) bool { return n.Text() == namespace })
	}
	return o.namespace == namespace
}

// operators are those of a label selector.
var operators = []string{"In", "NotIn", "Exists", "DoesNotExist"}

// selects reports whether a label selector selects something with these labels.
func selects(selector node.Value, labels map[string]string) bool {
	for _, e := range selector.Entry("matchExpressions").Items() {
		r := transform.Requirement{Key: e.Entry("key").Text(), Operator: e.Entry("operator").Text()}
		r.Values = each.As(e.Entry("values").Items(), node.Value.Text)
		if !slices.Contains(operators, r.Operator) || !r.Holds(labels) {
			return false
		}
	}
	return have(labels, selector.Entry("matchLabels").Strings())
}

// scraper is what reads monitors and annotations among the manifests.
type scraper struct {
	name        string
	standing    standing
	why, doubts []string
}

// scraperImages are the programs that do, by the names of their images.
var scraperImages = []string{"prometheus", "vmagent"}

func (w *workload) is(kinds []string) bool {
	return slices.Contains(kinds, kindOf(object.Type{APIVersion: w.APIVersion, Kind: w.Kind}))
}

// operated reports whether an operator makes the pods and writes what they read.
func (w *workload) operated() bool {
	return w.is(ofPrometheus.kinds) || w.is(ofVictoria.kinds)
}

func (w *workload) runsScraper() bool {
	return slices.ContainsFunc(w.containers, func(c container) bool { return slices.Contains(scraperImages, imageName(c.image)) })
}

// scraper finds that which reads something, and whether it is in the mesh. One that is
// calls pods by their addresses all the same, which the sidecar passes on as they come.
// Unread says what the others read: "no ServiceMonitor".
func (t *tree) scraper(unread string, reads func(*workload) bool) scraper {
	var found, others []*workload
	for _, w := range t.workloads {
		switch {
		case reads(w):
			found = append(found, w)
		case w.operated(), w.runsScraper():
			others = append(others, w)
		}
	}
	switch {
	case len(found) == 0 && len(others) > 0:
		return scraper{others[0].name, unknown, nil, []string{"it reads " + unread + ", unless its configuration says otherwise, and no other Prometheus is among the manifests"}}
	case len(found) == 0:
		return scraper{"Prometheus", unknown, nil, []string{"no Prometheus is among the manifests: it may be in the mesh"}}
	}
	first := found[0]
	is, why := t.standing(first)
	for _, w := range found {
		if other, _ := t.standing(w); other != is {
			return scraper{first.name + " or another", unknown, nil, []string{"one Prometheus is in the mesh and another is not, or that is not known"}}
		}
	}
	switch is {
	case outside:
		return scraper{first.name + ", outside the mesh,", outside, []string{first.ID() + ", because " + why}, nil}
	case inside:
		return scraper{first.name, inside, nil, []string{"that Prometheus is in the mesh (" + why + "): what it calls by a pod's address its sidecar passes on as it comes, but it may have a certificate of the mesh's"}}
	}
	return scraper{first.name, unknown, nil, []string{"whether that Prometheus is in the mesh stands in no manifest"}}
}

// imageName is what a repository is called: "prometheus" of quay.io/prometheus/prometheus:v3.
func imageName(image string) string {
	name, _, _ := strings.Cut(path.Base(image), ":")
	name, _, _ = strings.Cut(name, "@")
	return name
}

const (
	scrapeKey = "prometheus.io/scrape"
	portKey   = "prometheus.io/port"
)

// annotated are pods and Services with annotations prometheus.io, which no program knows
// and many configurations of Prometheus do.
var annotated = source{
	reads: switching,
	look: func(t *tree) {
		// What an operator configures reads no annotations (prometheus-community/helm-charts
		// charts/kube-prometheus-stack/README.md, prometheus.io/scrape).
		who := t.scraper("no annotations prometheus.io", func(w *workload) bool { return !w.operated() && w.runsScraper() })
		var merged []string
		for _, w := range t.workloads {
			if w.TemplateAnnotations[scrapeKey] != "true" || w.left != "" {
				continue
			}
			if t.merges(w) {
				merged = append(merged, w.name)
				continue
			}
			of := scrape{w.name + " with " + scrapeKey, who}
			for _, port := range w.scraped(w.TemplateAnnotations[portKey]) {
				t.suggest(of.of(w, port, ""))
			}
		}
		if len(merged) > 0 {
			t.note("%s: the annotations prometheus.io on pods need no bypass, because the sidecar %s; for Prometheus the port of the annotations is then the sidecar's", few(merged), t.Policy.Mesh.Merged.Says)
		}
		for _, s := range t.services {
			if s.Annotations[scrapeKey] != "true" {
				continue
			}
			for _, w := range t.leads(s) {
				text := s.Annotations[portKey]
				for _, p := range s.ports {
					text = cmp.Or(text, p.target)
				}
				if port := w.port(text); port != 0 {
					t.suggest(scrape{s.at() + " with " + scrapeKey, who}.of(w, port, ""))
				}
			}
		}
	},
}

// switching are the kinds of objects that switch the merging of metrics off.
func switching() (kinds []string) {
	for _, m := range mesh.All() {
		if m.Merged != nil {
			kinds = append(kinds, slices.Collect(maps.Keys(m.Merged.Fields))...)
		}
	}
	return kinds
}

// scraped are the ports of a pod that an annotation names, or all of them.
func (w *workload) scraped(annotated string) (ports []uint16) {
	if annotated != "" {
		return []uint16{w.port(annotated)}
	}
	return each.As(w.ports(), func(p port) uint16 { return p.number })
}

// merges reports whether the sidecar serves the metrics of a workload with its own.
func (t *tree) merges(w *workload) bool {
	m := t.Policy.Mesh.Merged
	if m == nil || w.TemplateAnnotations[m.Off] == "false" {
		return false
	}
	off := regexp.MustCompile(`(?m)^` + m.Field + `:\s*false\b`)
	for kind, at := range m.Fields {
		for _, o := range t.beside[kind] {
			switch said := o.Below(at...); {
			case at[len(at)-1] == m.Field && said.Exists() && !said.Truth(), off.MatchString(said.Text()):
				return false
			}
		}
	}
	return true
}

// few names the first of many.
func few(names []string) string {
	const most = 3
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}
