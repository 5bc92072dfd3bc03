package inventory_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/internal/inventory"
	"github.com/krm-bypass/krm-bypass/internal/spec"
	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// commented is a Deployment of shop with these lines as its template's annotations, from
// line 8 on.
func commented(name, lines string) string {
	return "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: " + name + ", namespace: shop}\nspec:\n  template:\n    metadata:\n      annotations:\n" +
		lines + "    spec: {containers: []}\n"
}

const ports, ranges = "        traffic.sidecar.istio.io/excludeOutboundPorts: ", "        traffic.sidecar.istio.io/excludeOutboundIPRanges: "

// TestReasons: what people wrote beside an annotation is why it is there.
func TestReasons(t *testing.T) {
	for name, test := range map[string]struct{ lines, want string }{
		"none":                           {ports + "'3306'\n", ""},
		"behind the value":               {ports + "'3306' # database\n", "database"},
		"above it":                       {"        # The bank's gateway wants\n        # our own certificate.\n" + ports + "'3306'\n", `"The bank's gateway wants our own certificate."`},
		"above and behind":               {"        # database\n" + ports + "'3306' # see OPS-17\n", "database; see OPS-17"},
		"with a blank comment line":      {"        # database\n        #\n        # and cache\n" + ports + "'3306'\n", "database and cache"},
		"as a heading":                   {"        # --- mesh ---\n" + ports + "'3306'\n", "mesh"},
		"of several":                     {ports + "'3306' # database\n" + ranges + "192.0.2.0/24 # bank\n", "database; bank"},
		"twice the same":                 {ports + "'3306' # legacy\n" + ranges + "192.0.2.0/24 # legacy\n", "legacy"},
		"a note that looks like a key":   {ports + "'3306' # TODO: mesh-ready\n", `"TODO: mesh-ready"`},
		"an address":                     {ports + "'3306' # https://wiki.example.com/db\n", `"https://wiki.example.com/db"`},
		"quotes, accents, a key":         {ports + "'3306' # \"légacy\": see \\a\n", `"\"légacy\": see \\a"`},
		"a word that is a truth to some": {ports + "'3306' # yes\n", `"yes"`},
		"of a block scalar":              {ports + "| # database\n          3306\n", "database"},
		"behind a plain value":           {ports + "!!str 3306 # database\n", "database"},
		"in flow":                        {"          {" + strings.TrimSpace(ports) + " '3306', # database\n          a: b}\n", "database"},

		"of a neighbour":                  {"        # scraped\n        a: b # by Prometheus\n" + ports + "'3306'\n        c: d # other\n", ""},
		"above a blank line":              {"        # about all of them\n\n" + ports + "'3306'\n", ""},
		"that begins elsewhere":           {"      # about the metadata\n" + ports + "'3306'\n", ""},
		"a directive":                     {"        # yamllint disable-line rule:line-length\n" + ports + "'3306' # checkov:skip=CKV_K8S_1\n", ""},
		"a setter":                        {ports + "'3306' # {\"$kpt-set\":\"ports\"}\n", ""},
		"an entry out of force":           {"        # traffic.sidecar.istio.io/excludeInboundPorts: \"8080\"\n" + ports + "'3306'\n", ""},
		"above an entry out of force":     {"        # database\n        # a.example/b: c\n" + ports + "'3306'\n", ""},
		"a line":                          {"        # --------\n" + ports + "'3306'\n", ""},
		"in a text that ends above":       {"        a: |\n          # no comment\n" + ports + "'3306'\n", ""},
		"a sign in the value":             {ports + "'3306'\n        b: 'x # no comment'\n", ""},
		"of what the mesh's tool renders": {"        # kics-scan ignore-line\n        # Trivy is slow behind the sidecar\n" + ports + "'3306'\n", "Trivy is slow behind the sidecar"},
	} {
		t.Run(name, func(t *testing.T) {
			text := commented("web", test.lines)
			if strings.Contains(name, "flow") {
				text = strings.Replace(text, "annotations:\n          {", "annotations:\n        {", 1)
			}
			for ending, files := range map[string][]inventory.File{"LF": {{Path: "a.yaml", Text: []byte(text)}}, "CRLF": {{Path: "a.yaml", Text: []byte(strings.ReplaceAll(text, "\n", "\r\n"))}}} {
				found, err := inventory.Take(files, "", nil)
				require.NoError(t, err)
				said := regexp.MustCompile(`(?m)^    reason: (.*)$`).FindStringSubmatch(rules(t, found.Spec()))
				assert.Equal(t, test.want, strings.Join(said[min(1, len(said)):], ""), ending)
			}
		})
	}
}

// TestReasonsBehindBraces: what stands behind braces that go as a whole goes into the spec.
// Behind others it stays in the file.
func TestReasonsBehindBraces(t *testing.T) {
	const one, two = `traffic.sidecar.istio.io/excludeOutboundPorts: "3306"`, `traffic.sidecar.istio.io/excludeInboundPorts: "80"`
	for name, test := range map[string]struct{ template, want, after string }{
		"of one":                   {"\n    metadata:\n      annotations: {" + one + "} # raft\n", "raft", "\n"},
		"of two":                   {"\n    metadata:\n      annotations: {" + one + ", " + two + "} # raft\n", "raft", "\n"},
		"beside labels":            {"\n    metadata:\n      labels: {a: b} # app\n      annotations: {" + one + "} # raft\n", "raft", "\n    metadata:\n      labels: {a: b} # app\n"},
		"of all metadata":          {"\n    metadata: {annotations: {" + one + "}} # raft\n", "raft", "\n"},
		"below its key":            {"\n    metadata:\n      annotations:\n        {" + one + "} # raft\n", "raft", "\n"},
		"of one with another":      {"\n    metadata:\n      annotations: {" + one + ", a: b} # raft\n", "", "\n    metadata:\n      annotations: {a: b} # raft\n"},
		"of metadata with labels":  {"\n    metadata: {annotations: {" + one + "}, labels: {a: b}} # raft\n", "", "\n    metadata: {labels: {a: b}} # raft\n"},
		"of labels, then the mesh": {"\n    metadata: {labels: {a: b}, annotations: {" + one + "}} # raft\n", "", "\n    metadata: {labels: {a: b}} # raft\n"},
		"over lines":               {"\n    metadata:\n      annotations: {\n        " + one + "\n      } # raft\n", "", "\n    metadata:\n      annotations: {} # raft\n"},
	} {
		t.Run(name, func(t *testing.T) {
			text := func(template string) string {
				return "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\nspec:\n  template:" + template + "    spec: {containers: []}\n"
			}
			found, err := inventory.Take([]inventory.File{{Path: "a.yaml", Text: []byte(text(test.template))}}, "", nil)
			require.NoError(t, err)
			said := regexp.MustCompile(`(?m)^    reason: (.*)$`).FindStringSubmatch(rules(t, found.Spec()))
			assert.Equal(t, test.want, strings.Join(said[min(1, len(said)):], ""))
			files, err := found.Stripped()
			require.NoError(t, err)
			require.Len(t, files, 1)
			assert.Equal(t, text(test.after), string(files[0].Text))
		})
	}
}

// TestReasonsOfSeveral: a rule for several workloads has the reasons of all, each once,
// in the order of files and lines.
func TestReasonsOfSeveral(t *testing.T) {
	same := func(name, why string) string { return commented(name, ports+"'3306'"+why+"\n") }
	other := commented("other", "        a: b\n")
	files := tree("-- b.yaml --\n" + stream(same("web", " # cache"), same("api", " # database")) + "-- a.yaml --\n" + stream(same("worker", " # database"), same("quiet", "")))
	for _, test := range []struct {
		files []inventory.File
		want  string
	}{
		{files, "  global:\n    reason: database; cache\n"},
		{append(tree("-- c.yaml --\n"+strings.Replace(other, "shop", "team", 1)), files...), "  - name: shop-outbound\n    reason: database; cache\n"},
		{append(tree("-- c.yaml --\n"+other), files...), "  - name: shop-api-and-3-more-outbound\n    reason: database; cache\n"},
	} {
		found, err := inventory.Take(test.files, "", nil)
		require.NoError(t, err)
		assert.Contains(t, rules(t, found.Spec()), test.want)
		slices.Reverse(test.files)
		again, err := inventory.Take(test.files, "", nil)
		require.NoError(t, err)
		assert.Equal(t, string(found.Spec()), string(again.Spec()))
	}
}

func TestEveryRuleHasAName(t *testing.T) {
	cron := "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: web, namespace: shop}\nspec: {jobTemplate: {spec: {template: {metadata: {annotations: {" + portsAnnotation + "'1'}}, spec: {containers: []}}}}}\n"
	found, err := inventory.Take(tree("-- a.yaml --\n"+stream(
		deployment("web", "shop", portsAnnotation+`"1", `+istioKey+`excludeInboundPorts: "2"`), cron,
		deployment("b", "shop-web", portsAnnotation+`"3"`), deployment("web-b", "shop", portsAnnotation+`"4"`),
		deployment("c", "all", istioKey+`includeInboundPorts: "5"`), deployment("d", "all", istioKey+`includeInboundPorts: "5"`), deployment("none", "none", ""))), "", nil)
	require.NoError(t, err)
	var names []string
	for _, m := range regexp.MustCompile(`(?m)^  - name: (.*)$`).FindAllStringSubmatch(rules(t, found.Spec()), -1) {
		names = append(names, m[1])
	}
	assert.Equal(t, []string{"all-inbound", "shop-web-outbound", "shop-web-inbound-outbound", "shop-web-b-outbound", "shop-web-b-deployment-outbound"}, names)
}

// TestWhatIsNotImportedIsInTheSpec: as comments, so that it is reviewed with the rules.
func TestWhatIsNotImportedIsInTheSpec(t *testing.T) {
	found, err := inventory.Take(tree("-- a\u2028b.yaml --\n"+stream(deployment("web", "shop", portsAnnotation+`"1"`), deployment("api", "istio-system", portsAnnotation+`"2"`))), "", nil)
	require.NoError(t, err)
	rules(t, found.Spec())
	_, told, _ := strings.Cut(string(found.Spec()), "# Not imported:\n")
	assert.Equal(t, "# "+strings.ReplaceAll(found.Warnings.Error(), "\u2028", " ")+"\n", told)
	assert.NotEmpty(t, found.Warnings)
}

// TestNamesOfRulesFit: the names of workloads may be longer than those of rules, which are
// read back, and two that are alike up to there are two.
func TestNamesOfRulesFit(t *testing.T) {
	const namespace = "monitoring-production"
	operator := "kube-prometheus-stack-operator-admission"
	set := strings.Replace(deployment(operator, namespace, portsAnnotation+`"5433"`), "Deployment", "StatefulSet", 1)
	long := strings.Repeat("w", 253)
	found, err := inventory.Take(tree("-- a.yaml --\n"+stream(
		deployment(operator, namespace, portsAnnotation+`"5432"`), deployment(operator+"-create", namespace, portsAnnotation+`"5432,80"`), deployment(operator+"-patch", namespace, portsAnnotation+`"80"`), set,
		deployment(long, "shop", portsAnnotation+`"3306"`), deployment("web", "shop", portsAnnotation+`"1"`),
	)), "", nil)
	require.NoError(t, err)
	source, err := spec.In(yamltext.File{Path: "spec.yaml", Text: found.Spec()})
	require.NoError(t, err)
	_, err = source.Read(spec.Given{})
	require.NoError(t, err)
	var all []string
	for _, name := range regexp.MustCompile(`(?m)^  - name: (.*)$`).FindAllStringSubmatch(string(found.Spec()), -1) {
		all = append(all, name[1])
	}
	assert.Equal(t, []string{
		"monitoring-production-kube-prometheus-stack-operator-a-outbound", "monitoring-production-kube-prometheus-statefulset.apps-outbound",
		"monitoring-production-kube-prometheus-stack-deployment-outbound", "monitoring-production-kube-prometheus-stack-operator-outbound-2",
		"shop-web-outbound", "shop-wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww-outbound",
	}, all)
}
