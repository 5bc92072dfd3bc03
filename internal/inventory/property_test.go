package inventory_test

import (
	"bytes"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"

	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/inventory"
	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// The property of an import: what the function makes of the stripped manifests
// by the imported spec bypasses, connection by connection, what the manifests
// bypassed before. A mesh's rules are told here once more, from annotations as
// text, apart from the code under test.

// rulebook is what one mesh does with its annotations.
type rulebook struct {
	// keys are the annotations by what they say.
	keys map[string]string
	// configuration is the file by which it is configured to values; nil where
	// there is none.
	configuration func(values map[string]string) string
	// adds says that levels are united; otherwise the narrower replaces.
	adds bool
	// namespaces says that Namespaces have annotations too.
	namespaces bool
	// defaults are what holds where nobody says anything.
	defaults map[string]string
	// scopes are what the mesh is configured to for the pods of namespaces.
	scopes map[string]map[string]string
	// ports and addresses are tried; nil for somePorts and someAddresses.
	ports     []int
	addresses []string
}

const (
	exIn, inIn, exOut, inOut, exRange, inRange = "exIn", "inIn", "exOut", "inOut", "exRange", "inRange"
)

var aspects = []string{exIn, inIn, exOut, inOut, exRange, inRange}

func listsOf(group string) func(map[string]string) string {
	return func(values map[string]string) string {
		text := "apiVersion: " + group + "/v1alpha3\nkind: MeshConfig\nmetadata: {name: mesh}\nspec:\n  traffic:\n    enableEgress: false\n"
		for _, aspect := range aspects {
			if value, said := values[aspect]; said {
				text += "    " + map[string]string{exIn: "inboundPortExclusionList", exOut: "outboundPortExclusionList", exRange: "outboundIPRangeExclusionList", inRange: "outboundIPRangeInclusionList"}[aspect] +
					": [" + value + "]\n"
			}
		}
		return text
	}
}

func helm(path []string, names map[string]string) func(map[string]string) string {
	return func(values map[string]string) string {
		text, indent := "", ""
		for _, step := range path {
			text += indent + step + ":\n"
			indent += "  "
		}
		text += indent + "logLevel: info\n"
		for _, aspect := range aspects {
			if value, said := values[aspect]; said {
				text += indent + names[aspect] + ": " + strconv.Quote(value) + "\n"
			}
		}
		return text
	}
}

func flomesh(domain string) rulebook {
	return rulebook{
		keys: map[string]string{exIn: domain + "/inbound-port-exclusion-list", exOut: domain + "/outbound-port-exclusion-list",
			exRange: domain + "/outbound-ip-range-exclusion-list", inRange: domain + "/outbound-ip-range-inclusion-list"},
		configuration: listsOf("config." + domain),
		adds:          true,
	}
}

var rulebooks = map[string]rulebook{
	"Istio": {
		keys: map[string]string{exIn: istioKey + "excludeInboundPorts", inIn: istioKey + "includeInboundPorts",
			exOut: istioKey + "excludeOutboundPorts", inOut: istioKey + "includeOutboundPorts",
			exRange: istioKey + "excludeOutboundIPRanges", inRange: istioKey + "includeOutboundIPRanges"},
		configuration: helm([]string{"global", "proxy"}, map[string]string{exIn: "excludeInboundPorts", inIn: "includeInboundPorts",
			exOut: "excludeOutboundPorts", inOut: "includeOutboundPorts", exRange: "excludeIPRanges", inRange: "includeIPRanges"}),
		defaults: map[string]string{inIn: "*", inRange: "*"},
	},
	"FSM": flomesh("flomesh.io"),
	"OSM": flomesh("openservicemesh.io"),
	"Linkerd": {
		keys:          map[string]string{exIn: "config.linkerd.io/skip-inbound-ports", exOut: "config.linkerd.io/skip-outbound-ports"},
		configuration: helm([]string{"proxyInit"}, map[string]string{exIn: "ignoreInboundPorts", exOut: "ignoreOutboundPorts"}),
		namespaces:    true,
		defaults:      map[string]string{exIn: "4567,4568", exOut: "4567,4568"},
	},
	"Consul": {keys: map[string]string{
		exIn:  "consul.hashicorp.com/transparent-proxy-exclude-inbound-ports",
		exOut: "consul.hashicorp.com/transparent-proxy-exclude-outbound-ports", exRange: "consul.hashicorp.com/transparent-proxy-exclude-outbound-cidrs",
	}},
	"Kuma": {keys: map[string]string{
		exIn: "traffic.kuma.io/exclude-inbound-ports", exOut: "traffic.kuma.io/exclude-outbound-ports", exRange: "traffic.kuma.io/exclude-outbound-ips",
	}, configuration: func(values map[string]string) string {
		text := "controlPlane:\n  envVars:\n    KUMA_MODE: zone\n"
		for aspect, name := range map[string]string{exIn: "INBOUND_PORTS", exOut: "OUTBOUND_PORTS", exRange: "OUTBOUND_IPS"} {
			if value, said := values[aspect]; said {
				text += "    KUMA_RUNTIME_KUBERNETES_SIDECAR_TRAFFIC_EXCLUDE_" + name + ": " + strconv.Quote(value) + "\n"
			}
		}
		return text
	}},
}

// sum is what the levels, broad to narrow, come to.
func (r rulebook) sum(levels ...map[string]string) map[string]string {
	total := map[string]string{}
	for aspect, value := range r.defaults {
		total[aspect] = value
	}
	for _, level := range levels {
		for aspect, value := range level {
			if have := total[aspect]; r.adds && have != "" && value != "" {
				value = have + "," + value
			} else if r.adds && value == "" {
				continue
			}
			total[aspect] = value
		}
	}
	return total
}

func holdsPort(list string, port int) bool {
	for entry := range strings.SplitSeq(list, ",") {
		first, last, isRange := strings.Cut(strings.ReplaceAll(entry, ":", "-"), "-")
		if !isRange {
			last = first
		}
		low, err := strconv.Atoi(strings.TrimSpace(first))
		high, err2 := strconv.Atoi(strings.TrimSpace(last))
		if err == nil && err2 == nil && low <= port && port <= high {
			return true
		}
	}
	return false
}

func holdsAddress(list string, address netip.Addr) bool {
	for entry := range strings.SplitSeq(strings.ReplaceAll(list, " ", ""), ",") {
		if p, err := netip.ParsePrefix(entry); err == nil && p.Contains(address) {
			return true
		}
		if a, err := netip.ParseAddr(entry); err == nil && a == address {
			return true
		}
	}
	return false
}

// outbound reports whether the mesh's own rules let a TCP connection past the
// sidecar, in their order.
func (r rulebook) outbound(s map[string]string, address netip.Addr, port int) bool {
	everything := s[inRange] == "*" || r.keys[inRange] == "" || r.adds && s[inRange] == ""
	switch {
	case holdsPort(s[exOut], port), holdsAddress(s[exRange], address):
		return true
	case holdsPort(s[inOut], port), everything:
		return false
	}
	return !holdsAddress(s[inRange], address)
}

func (r rulebook) inbound(s map[string]string, port int) bool {
	if r.keys[inIn] != "" && s[inIn] != "*" {
		return !holdsPort(s[inIn], port)
	}
	return holdsPort(s[exIn], port)
}

var (
	somePorts     = []int{80, 3306, 4222, 4567, 5432, 6222, 6379, 7001, 7002, 7800, 8005, 8080, 9000, 9042, 9100, 9411}
	someAddresses = []string{"10.1.2.3", "10.9.0.1", "10.96.0.1", "192.0.2.7", "192.0.2.254", "203.0.113.9"}
	someRanges    = []string{"10.0.0.0/8", "10.1.0.0/16", "192.0.2.0/24"}
)

// verdicts is what bypasses the sidecar of every workload, by its name: by the
// mesh's own rules over the annotations, and by those of our init container.
func (r rulebook) verdicts(t require.TestingT, configured map[string]string, files []inventory.File) map[string]string {
	inNamespace := maps.Clone(r.scopes)
	if inNamespace == nil {
		inNamespace = map[string]map[string]string{}
	}
	type pod struct {
		name, namespace string
		annotations     map[string]string
		arguments       []string
	}
	var pods []pod
	read := func(node map[string]any) map[string]string {
		said := map[string]string{}
		annotations, _ := node["annotations"].(map[string]any)
		for aspect, key := range r.keys {
			if value, has := annotations[key].(string); has {
				said[aspect] = value
			}
		}
		return said
	}
	mapping := func(node any, path ...string) map[string]any {
		for _, step := range path {
			m, _ := node.(map[string]any)
			node = m[step]
		}
		m, _ := node.(map[string]any)
		return m
	}
	var visit func(object map[string]any)
	visit = func(object map[string]any) {
		metadata := mapping(object, "metadata")
		name, _ := metadata["name"].(string)
		namespace, _ := metadata["namespace"].(string)
		if items, is := object["items"].([]any); is {
			for _, item := range items {
				visit(mapping(item))
			}
			return
		}
		if object["kind"] == "Namespace" && r.namespaces {
			inNamespace[name] = read(metadata)
		}
		template := mapping(object, "spec", "template")
		if object["kind"] == "CronJob" {
			template = mapping(object, "spec", "jobTemplate", "spec", "template")
		}
		if _, owned := metadata["ownerReferences"]; template == nil || owned {
			return
		}
		p := pod{name: fmt.Sprint(object["kind"], " ", namespace, "/", name), namespace: namespace, annotations: read(mapping(template, "metadata"))}
		containers, _ := mapping(template, "spec")["initContainers"].([]any)
		for _, c := range containers {
			if one := mapping(c); one["name"] == "krm-bypass-init" {
				arguments, _ := one["args"].([]any)
				for _, a := range arguments {
					p.arguments = append(p.arguments, fmt.Sprint(a))
				}
			}
		}
		pods = append(pods, p)
	}
	for _, f := range files {
		decoder := yaml.NewDecoder(bytes.NewReader(f.Text))
		for {
			var object map[string]any
			if err := decoder.Decode(&object); err != nil {
				break
			}
			visit(object)
		}
	}

	all := map[string]string{}
	for _, p := range pods {
		settings := r.sum(configured, inNamespace[p.namespace], p.annotations)
		ours := argumentsOf(t, p.arguments)
		all[p.name] = r.bypassed(func(c traffic.Connection) bool {
			past := r.inbound(settings, int(c.Port))
			if c.Direction == traffic.Outbound {
				past = r.outbound(settings, c.Address, int(c.Port))
			}
			return past || ours.Decide(c).Verdict == traffic.Bypassed
		})
	}
	return all
}

// decided is what bypasses by the decision on settings.
func (r rulebook) decided(s traffic.Settings) string {
	return r.bypassed(func(c traffic.Connection) bool { return s.Decide(c).Verdict == traffic.Bypassed })
}

// bypassed lists the connections, of those that are tried, which bypass.
func (r rulebook) bypassed(bypasses func(traffic.Connection) bool) string {
	ports, addresses := r.ports, r.addresses
	if ports == nil {
		ports, addresses = somePorts, someAddresses
	}
	var all []string
	for _, port := range ports {
		for _, address := range addresses {
			c := traffic.Connection{Direction: traffic.Outbound, Protocol: traffic.TCP, Address: netip.MustParseAddr(address), Port: uint16(port)}
			if bypasses(c) {
				all = append(all, fmt.Sprintf("to %s:%d", address, port))
			}
		}
		if bypasses(traffic.Connection{Direction: traffic.Inbound, Protocol: traffic.TCP, Port: uint16(port)}) {
			all = append(all, fmt.Sprintf("at :%d", port))
		}
	}
	return strings.Join(all, "\n")
}

func argumentsOf(t require.TestingT, arguments []string) traffic.Settings {
	values := map[traffic.Field][]string{}
	for _, a := range arguments {
		flag, value, _ := strings.Cut(strings.TrimPrefix(a, "--"), "=")
		for _, f := range traffic.Fields {
			if f.Flag() == flag {
				values[f] = append(values[f], value)
			}
		}
	}
	settings, err := traffic.ParseArguments(values)
	require.NoError(t, err)
	return settings
}

// rendered runs the function over files by a spec.
func rendered(t require.TestingT, spec []byte, files []inventory.File) (output []inventory.File, report string) {
	list := "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nfunctionConfig:\n" + indented(spec) + "items:\n"
	for _, f := range files {
		for _, d := range yamltext.Documents(f.Text) {
			text := bytes.TrimPrefix(d.Text, []byte("---\n"))
			if bytes.Contains(text, []byte("kind")) {
				list += "-\n" + indented(text)
			}
		}
	}
	text, results, err := fn.Process([]byte(list), fn.Options{Image: "ghcr.io/krm-bypass/init:v0.1.0"})
	require.NoError(t, err, "%s\n%s", results.Report(), list)
	return []inventory.File{{Path: "rendered.yaml", Text: text}}, results.Report()
}

func indented(text []byte) string {
	var b strings.Builder
	for line := range strings.Lines(string(text)) {
		b.WriteString("  " + line)
	}
	return strings.TrimRight(b.String(), "\n ") + "\n"
}

// stripped gives all files, those that change without what was imported.
func stripped(t require.TestingT, found *inventory.Inventory, files []inventory.File) []inventory.File {
	changed, err := found.Stripped()
	require.NoError(t, err)
	rest := slices.Clone(files)
	for _, c := range changed {
		i := slices.IndexFunc(rest, func(f inventory.File) bool { return f.Path == c.Path })
		require.NotEqual(t, string(rest[i].Text), string(c.Text), "only files that change")
		rest[i] = c
	}
	return rest
}

// wrapped puts Helm values below the names of sub-charts, and into an object that holds
// values.
func wrapped(t *rapid.T, values string) string {
	if strings.HasPrefix(values, "apiVersion") {
		return values
	}
	below := func(name string) { values = name + ":\n" + indented([]byte(values)) }
	for range rapid.IntRange(0, 2).Draw(t, "charts above") {
		below(rapid.SampledFrom([]string{"mesh", "global", "istiod-1-27"}).Draw(t, "chart"))
	}
	switch rapid.IntRange(0, 3).Draw(t, "holder") {
	case 0:
		below("values")
		below("spec")
		values = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: mesh}\n" + values
	case 1:
		values = "apiVersion: helm.cattle.io/v1\nkind: HelmChart\nmetadata: {name: mesh}\nspec:\n  valuesContent: |\n" + indented([]byte(indented([]byte(values))))
	}
	return values
}

// drawnTree is files and what the mesh is configured with in one of them.
func (r rulebook) drawnTree(t *rapid.T) (files []inventory.File, configured map[string]string) {
	values := func(label string, configuration bool) map[string]string {
		said := map[string]string{}
		for _, aspect := range aspects {
			if r.keys[aspect] == "" || rapid.IntRange(1, 3).Draw(t, label+" says "+aspect) > 1 {
				continue
			}
			if (aspect == inIn || aspect == inRange) && !r.adds && rapid.IntRange(1, 3).Draw(t, "everything") == 1 {
				said[aspect] = "*"
				continue
			}
			least := 0
			if r.adds || !strings.HasPrefix(r.keys[aspect], istioKey) {
				least = 1 // an empty value is refused, or says nothing
			}
			pool := []string{"80", "3306", "4567", "7001", "7002", "9000"}
			if !configuration && rapid.IntRange(1, 8).Draw(t, "not importable") == 1 {
				pool = []string{"15001", "9000", "80"} // a port of most meshes themselves
			}
			if aspect == exRange || aspect == inRange {
				pool = someRanges
			}
			said[aspect] = strings.Join(rapid.SliceOfNDistinct(rapid.SampledFrom(pool), least, 2, rapid.ID).Draw(t, aspect), ",")
		}
		if configuration && r.configuration == nil {
			return map[string]string{}
		}
		return said
	}
	annotations := func(said map[string]string) string {
		parts := []string{"prometheus.io/scrape: 'true'"}
		for _, aspect := range aspects {
			if value, has := said[aspect]; has {
				parts = append(parts, r.keys[aspect]+": "+strconv.Quote(value))
			}
		}
		if len(said) > 0 && rapid.Bool().Draw(t, "alone") {
			parts = parts[1:]
		}
		return strings.Join(parts, ", ")
	}
	configured = values("configuration", true)
	if len(configured) > 0 {
		files = append(files, inventory.File{Path: "configuration.yaml", Text: []byte(wrapped(t, r.configuration(configured)))})
	}
	common := values("common", false)
	var documents []string
	namespaces := []string{"shop", "team", ""}
	for _, namespace := range namespaces {
		if namespace != "" && r.namespaces && rapid.Bool().Draw(t, "Namespace") {
			documents = append(documents, "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: "+namespace+"\n  annotations: {"+annotations(values(namespace, false))+"}\n")
		}
		for _, name := range []string{"api", "web", "worker"}[:rapid.IntRange(0, 3).Draw(t, "workloads")] {
			said := common
			if rapid.Bool().Draw(t, "of its own") {
				said = values(name, false)
			}
			documents = append(documents, deployment(name, namespace, annotations(said)))
		}
	}
	files = append(files, inventory.File{Path: "manifests.yaml", Text: []byte(strings.Join(documents, "---\n"))})
	return files, configured
}

func TestDrawnTreesKeepWhatBypasses(t *testing.T) {
	for _, m := range mesh.All() {
		t.Run(m.Name, func(t *testing.T) {
			rules, known := rulebooks[m.Name]
			require.True(t, known, "every mesh has its rules told here")
			rapid.Check(t, func(t *rapid.T) {
				files, configured := rules.drawnTree(t)
				found, err := inventory.Take(files, m.Name, nil)
				if err != nil && strings.Contains(err.Error(), "tell them apart") {
					t.Skip("two workloads of one name, of which one has no namespace")
				}
				if err != nil {
					require.ErrorContains(t, err, "nothing to import")
					return
				}
				if strings.Contains(found.Warnings.Error(), "which is not imported: it takes effect in a pod that ") {
					require.NotEmpty(t, configured, "only the mesh's configuration is told that")
					return
				}
				rest := stripped(t, found, files)
				for _, f := range rest {
					if strings.Contains(found.Warnings.Error(), "left as it is: ") {
						break
					}
					for _, key := range rules.keys {
						require.NotContains(t, string(f.Text), key, "all is imported")
					}
				}
				after, _ := rendered(t, found.Spec(), rest)
				require.Equal(t, rules.verdicts(t, configured, files), rules.verdicts(t, configured, after), "%s", found.Spec())
				if rapid.IntRange(1, 3).Draw(t, "adopted too") == 1 {
					rules.adoptionHolds(t, found, configured, files)
				}

				backwards := slices.Clone(files)
				slices.Reverse(backwards)
				again, err := inventory.Take(backwards, m.Name, nil)
				require.NoError(t, err)
				require.Equal(t, string(found.Spec()), string(again.Spec()), "the order of the files does not matter")
			})
		})
	}
}

func TestExamplesKeepWhatBypasses(t *testing.T) {
	for folder, of := range map[string]struct {
		mesh       string
		configured map[string]string
		taken      int // files that change
	}{
		"import":         {"Istio", map[string]string{exRange: "192.0.2.254/32", exIn: "9100"}, 3},
		"import-fsm":     {"FSM", map[string]string{exRange: "192.0.2.254/32", exOut: "3306"}, 1},
		"import-linkerd": {"Linkerd", map[string]string{exOut: "4567,4568,9042"}, 2},
	} {
		t.Run(folder, func(t *testing.T) {
			paths, err := filepath.Glob("../../examples/" + folder + "/*.*")
			require.NoError(t, err)
			var files []inventory.File
			for _, path := range paths {
				if filepath.Ext(path) == ".md" {
					continue
				}
				text, err := os.ReadFile(path)
				require.NoError(t, err)
				files = append(files, inventory.File{Path: path, Text: text})
			}
			rules := rulebooks[of.mesh]
			before := rules.verdicts(t, of.configured, files)
			require.NotEmpty(t, before)

			found, err := inventory.Take(files, "", nil)
			require.NoError(t, err)
			require.Equal(t, of.mesh, found.Mesh.Name)
			require.Empty(t, found.Warnings)
			changed, err := found.Stripped()
			require.NoError(t, err)
			require.Len(t, changed, of.taken)
			output, report := rendered(t, found.Spec(), stripped(t, found, files))
			require.Empty(t, report)
			require.Equal(t, before, rules.verdicts(t, of.configured, output))
		})
	}
}
