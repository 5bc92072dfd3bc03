package cluster

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/transform"
	"github.com/krm-bypass/krm-bypass/test/cluster/controlplane"
)

// annotation is one with its value.
type annotation struct{ key, value string }

// bypasses are annotations by which a mesh's sidecar is bypassed, of each kind, and
// passes are those beside them by which it is not.
var bypasses, passes = func() (opening, harmless []annotation) {
	for _, m := range mesh.All() {
		for _, k := range m.Keys {
			opening = append(opening, annotation{k.Annotation, ""}, annotation{k.Annotation, "443"})
		}
		for _, o := range m.Others {
			if o.Opens == 0 || o.Spares {
				harmless = append(harmless, annotation{o.Annotation, "443"}, annotation{o.Annotation, "enabled"})
				continue
			}
			if o.Unfit != "" {
				opening = append(opening, annotation{o.Annotation, "443" + o.Unfit})
				harmless = append(harmless, annotation{o.Annotation, "443"})
				continue
			}
			if o.Words == nil {
				opening = append(opening, annotation{o.Annotation, "443"})
				harmless = append(harmless, annotation{o.Annotation, ""})
			}
			for _, value := range o.Harmless {
				harmless = append(harmless, annotation{o.Annotation, value})
			}
			for word, said := range o.Words {
				opening = append(opening, annotation{o.Annotation, "proxyMetadata: {" + word + ": eth0}"})
				for _, value := range said.Harmless {
					harmless = append(harmless, annotation{o.Annotation, `{"` + word + `":"` + value + `"}`}, annotation{o.Annotation, word + ": '" + value + "'"})
				}
			}
		}
		for _, prefix := range m.Prefixes {
			opening = append(opening, annotation{prefix + "of-tomorrow", ""}, annotation{prefix + "of-tomorrow", "443"})
		}
	}
	const config = "proxy.istio.io/config"
	opening = append(opening,
		annotation{"sidecar.istio.io/interceptionMode", "NONE"},
		annotation{config, "interceptionMode: NONE"},
		annotation{config, "interceptionMode: 2"},
		annotation{config, "# !DRY_RUN:false,DRY_RUN:false,%\ninterceptionMode: NONE"},
		annotation{config, "# !DRY_RUN:false,DRY_RUN:false,DRY_RUN:false,%\nproxyMetadata: {DRY_RUN: 'true', ISTIO_LOCAL_OUTBOUND_PORTS_EXCLUDE: '443'}"},
		annotation{config, `{"proxyMetadata":{"A":"x\"\n    args: [istio-iptables, -o, '443']\n    workingDir: \""}}`},
		annotation{config, `extraStatTags: ["a\N  initContainers: []"]`},
		annotation{config, "# interceptionMode: TPROXY\ninterceptionMode: NONE"},
		annotation{config, `{"interceptionMode":"TPROXY","proxyMetadata":{"DRY_RUN":"true"}}`},
		annotation{config, `proxyMetadata: {"DRY\x5fRUN": "true"}`},
		annotation{config, `{"proxyMetadata":{"DRY\u005fRUN":"true"}}`},
		annotation{config, "proxyMetadata: {\"DRY_\\\n  RUN\": \"true\"}"},
		annotation{config, "proxyMetadata: {!!binary RFJZX1JVTg==: \"true\"}"},
		annotation{config, "proxyMetadata: {? !!bin%61ry RFJZX1JVTg== : \"true\"}"},
		annotation{config, `{"proxyMetadata":{"\tDRY_RUN":"true"}}`},
		annotation{config, `{"proxyMetadata":{"A":"x\"\n    - name: DRY_RUN\n      value: \"true"}}`},
		annotation{config, `{"proxyMetadata":{"A":"x\"\n    - name: \"DRY_\\\n      RUN\"\n      value: \"true"}}`},
		annotation{config, "proxyMetadata:\n  ? DRY_RUN\n  : \"true\""},
	)
	harmless = append(harmless,
		annotation{config, "holdApplicationUntilProxyStarts: true\ninterceptionMode: TPROXY\nproxyMetadata: {ISTIO_META_DNS_CAPTURE: \"true\"}\nproxyStatsMatcher: {inclusionRegexps: [\".*\\\\.upstream_rq.*\"]}"},
		annotation{config, ""},
		annotation{"sidecar.istio.io/proxyCPU", "100m"},
		annotation{"config.linkerd.io/proxy-cpu-request", "100m"},
		annotation{"consul.hashicorp.com/connect-inject", "true"},
		annotation{"kuma.io/mesh", "default"},
	)
	return opening, harmless
}()

// opens says whether an annotation counts in a namespace.
func opens(namespace, key, value string) bool {
	for _, m := range mesh.All() {
		if regexp.MustCompile("^(" + own[m.Name] + ")$").MatchString(namespace) {
			continue
		}
		if slices.ContainsFunc(m.Keys, func(k mesh.Key) bool { return k.Annotation == key }) {
			return true
		}
		o, may := m.Other(key)
		lets, _ := o.Lets(value)
		switch {
		case !may, o.Spares: // as an opt-out, which is not the annotations' to judge
		case o.Words != nil:
			for word := range o.Words {
				if strings.Contains(value, word) {
					return true
				}
			}
		case o.Source == "" || !lets.IsZero():
			return true
		}
	}
	return false
}

// own are the meshes' own namespaces.
var own = map[string]string{
	"Istio": "istio-system|istio-operator", "FSM": "fsm-system", "OSM": "osm-system",
	"Linkerd": "linkerd|linkerd-.*", "Consul": "consul", "Kuma": "kuma-system",
}

// modelled gives the bypasses on a new object's template that krm-bypass did not
// write, and whether the record is like the template otherwise.
func modelled(object controlplane.Object) (foreign []string, alike bool) {
	kind, known := kinds[object.Text("apiVersion")+" "+object.Text("kind")]
	if !known {
		for name, k := range kinds { // in another version
			group, _, _ := strings.Cut(object.Text("apiVersion"), "/")
			if k.Kind == object.Text("kind") && k.Group == group && group != "" {
				kind, known = kinds[name], true
			}
		}
	}
	owners, _ := object.Field("metadata", "ownerReferences").([]any)
	controlled := slices.ContainsFunc(owners, func(owner any) bool { return owner.(map[string]any)["controller"] == true })
	if !known || len(kind.Template) == 0 || controlled || strings.HasPrefix(object.Text("metadata", "namespace"), "kube-") {
		return nil, true
	}
	on, _ := object.Field(append(slices.Clone(kind.Template), "metadata", "annotations")...).(map[string]any)
	var record struct {
		Version     int `json:"v"`
		Wrote, Kept map[string]string
	}
	_ = json.Unmarshal([]byte(object.Text("metadata", "annotations", recordAnnotation)), &record)
	_, marked := record.Wrote[markerAnnotation]
	marked = marked && slices.Contains([]int{1, 2}, record.Version) && on[markerAnnotation] != nil
	carries := false
	for annotation, value := range on {
		if value, _ := value.(string); !opens(object.Text("metadata", "namespace"), annotation, value) {
			continue
		}
		_, wrote := record.Wrote[annotation]
		_, kept := record.Kept[annotation]
		carries = true
		if !(marked && (wrote || kept)) {
			foreign = append(foreign, annotation)
		}
	}
	if !carries || !marked {
		return foreign, true
	}
	alike = true
	for annotation := range record.Wrote {
		_, carried := on[annotation]
		alike = alike && (carried || annotation == transform.InitName || annotation == transform.FormerInitEntry)
	}
	containers, _ := object.Field(append(slices.Clone(kind.Template), "spec", "initContainers")...).([]any)
	contained := slices.ContainsFunc(containers, func(c any) bool { return c.(map[string]any)["name"] == transform.InitName })
	return foreign, alike && contained == (record.Wrote[transform.InitName]+record.Wrote[transform.FormerInitEntry] != "")
}
