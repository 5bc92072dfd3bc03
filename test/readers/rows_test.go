package readers

import (
	"fmt"
	"strings"
)

// workload is an object with a template that excludes a port.
func workload(apiVersion, kind, name string, port int) string {
	return fmt.Sprintf("apiVersion: %s\nkind: %s\nmetadata:\n  name: %s\nspec:\n  template:\n    metadata:\n      annotations:\n        %s: \"%d\"\n    spec:\n      containers: [{name: app, image: app}]\n", apiVersion, kind, name, inbound, port)
}

// body is the Deployment web without its head.
func body() string {
	_, rest, _ := strings.Cut(web, "kind: Deployment\n")
	return rest
}

func indented(text, margin string) string {
	return margin + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n"+margin) + "\n"
}

var (
	web    = workload("apps/v1", "Deployment", "web", 22)
	db     = workload("apps/v1", "StatefulSet", "db", 23)
	config = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: config\n"
	// The same in braces, which is JSON too.
	webJSON    = jsonWorkload("Deployment", "web", 22)
	dbJSON     = jsonWorkload("StatefulSet", "db", 23)
	configJSON = `{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "config"}}`
)

func jsonWorkload(kind, name string, port int) string {
	return fmt.Sprintf(`{"apiVersion": "apps/v1", "kind": %q, "metadata": {"name": %q}, "spec": {"template": {"metadata": {"annotations": {%q: "%d"}}, "spec": {"containers": [{"name": "app", "image": "app"}]}}}}`, kind, name, inbound, port)
}

// change replaces text that stands exactly once in another.
func change(text, from, to string) string {
	if strings.Count(text, from) != 1 {
		panic(fmt.Sprintf("%q does not stand once in %q", from, text))
	}
	return strings.Replace(text, from, to, 1)
}

var plainRows = []row{
	{name: "a Deployment", text: web, fine: true},
	{name: "a Deployment and a StatefulSet", text: web + "---\n" + db, fine: true},
	{name: "a CronJob", text: "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: web}\nspec:\n  jobTemplate:\n    spec:\n      template:\n        metadata: {annotations: {" + inbound + ": \"22\"}}\n        spec: {containers: [{name: app, image: app}]}\n", fine: true},
	{name: "a Pod", text: "apiVersion: v1\nkind: Pod\nmetadata: {name: web, annotations: {" + inbound + ": \"22\"}}\nspec: {containers: [{name: app, image: app}]}\n", fine: true},
	{name: "a Pod without a name", text: "apiVersion: v1\nkind: Pod\nmetadata: {annotations: {" + inbound + ": \"22\"}}\nspec: {containers: [{name: app, image: app}]}\n"},
	{name: "a Pod with generateName", text: "apiVersion: v1\nkind: Pod\nmetadata: {generateName: web-, annotations: {" + inbound + ": \"22\"}}\nspec: {containers: [{name: app, image: app}]}\n", fine: true},
	{name: "a PodTemplate", text: "apiVersion: v1\nkind: PodTemplate\nmetadata: {name: web}\ntemplate:\n  metadata: {annotations: {" + inbound + ": \"22\"}}\n  spec: {containers: [{name: app, image: app}]}\n", fine: true},
	{name: "a Rollout", text: workload("argoproj.io/v1alpha1", "Rollout", "web", 22), fine: true},
	{name: "a Knative Service", text: workload("serving.knative.dev/v1", "Service", "web", 22), fine: true},
	{name: "a Rollout whose workloadRef is null", text: change(workload("argoproj.io/v1alpha1", "Rollout", "web", 22), "spec:\n  template", "spec:\n  workloadRef: null\n  template"), fine: true},
	{name: "an object of an unknown kind with a template", text: workload("example.com/v1", "Thing", "web", 22), fine: true},
	{name: "a Deployment of another group", text: workload("example.com/v1", "Deployment", "web", 22), fine: true},
	{name: "keys in another order", text: "spec:\n  template:\n    spec:\n      containers: [{name: app, image: app}]\n    metadata:\n      annotations:\n        " + inbound + ": \"22\"\nmetadata:\n  name: web\nkind: Deployment\napiVersion: apps/v1\n", fine: true},
	{name: "comments everywhere", text: "# a\n" + change(web, "metadata:\n  name", "# b\nmetadata: # c\n  # d\n  name") + "# e\n", fine: true},
	{name: "no final line break", text: strings.TrimSuffix(web, "\n"), fine: true},
	{name: "without metadata", text: change(web, "metadata:\n  name: web\n", "")},
	{name: "metadata null", text: change(web, "metadata:\n  name: web\n", "metadata:\n")},
	{name: "a blank document between two", text: web + "---\n\n---\n" + db, fine: true},
	{name: "a comment as a document between two", text: web + "---\n# nothing\n---\n" + db, fine: true},
	{name: "null as a document between two", text: web + "---\nnull\n---\n" + db},
	{name: "a document in braces over lines", text: "{apiVersion: apps/v1, kind: Deployment,\n metadata: {name: web},\n spec: {template: {metadata: {annotations: {" + inbound + ": \"22\"}}, spec: {containers: [{name: app, image: app}]}}}}\n", fine: true},
	{name: "a document in braces and one in lines", text: "{apiVersion: v1, kind: ConfigMap, metadata: {name: config}}\n---\n" + web, fine: true},
	{name: "a document indented", text: indented(web, "  "), fine: true},
	{name: "two documents, the second indented", text: config + "---\n" + indented(web, "  "), fine: true},
	{name: "sequences not indented", text: change(web, "containers: [{name: app, image: app}]", "containers:\n      - name: app\n        image: app"), fine: true},
	{name: "a manifest in the data of a ConfigMap", text: config + "data:\n  web.yaml: |\n" + indented(web, "    "), fine: true},
	{name: "two manifests in the data of a ConfigMap", text: config + "data:\n  web.yaml: |\n" + indented(web+"---\n"+db, "    "), fine: true},
}

// twiceRows have each key on the way to the annotation stand twice, with the
// decoy before and after.
func twiceRows() []row {
	var rows []row
	for _, way := range []struct{ key, line, decoy string }{
		{"apiVersion", "apiVersion: apps/v1\n", "apiVersion: v1\n"},
		{"kind", "kind: Deployment\n", "kind: ConfigMap\n"},
		{"metadata", "metadata:\n  name: web\n", "metadata:\n  name: other\n"},
		{"metadata.name", "  name: web\n", "  name: other\n"},
		{"annotation", "        " + inbound + ": \"22\"\n", "        " + inbound + ": \"\"\n"},
		{"containers", "      containers: [{name: app, image: app}]\n", "      containers: []\n"},
	} {
		rows = append(rows,
			row{name: way.key + " twice, another value before", text: change(web, way.line, way.decoy+way.line)},
			row{name: way.key + " twice, another value behind", text: change(web, way.line, way.line+way.decoy)})
	}
	for _, way := range []struct{ key, margin string }{{"spec", ""}, {"template", "  "}, {"metadata", "    "}, {"annotations", "      "}} {
		for _, decoy := range []string{"{}", "null"} {
			decoy := way.margin + way.key + ": " + decoy + "\n"
			at := strings.LastIndex(web, "\n"+way.margin+way.key+":") + 1
			rows = append(rows,
				row{name: strings.TrimSpace(decoy) + " before the real one", text: web[:at] + decoy + web[at:]},
				row{name: strings.TrimSpace(decoy) + " behind the real one", text: behind(web, way.key, way.margin, decoy)})
		}
	}
	return rows
}

// behind puts a line behind all that stands under the last key of that name.
func behind(text, key, margin, line string) string {
	lines := strings.SplitAfter(text, "\n")
	under := false
	for i, l := range lines {
		switch {
		case strings.HasPrefix(l, margin+key+":"):
			under = true
		case under && !strings.HasPrefix(l, margin+" "):
			return strings.Join(lines[:i], "") + line + strings.Join(lines[i:], "")
		}
	}
	return text + line
}

var twiceMore = []row{
	{name: "kind and apiVersion again at the end", text: "apiVersion: v1\nkind: ConfigMap\n" + body() + "apiVersion: apps/v1\nkind: Deployment\n"},
	{name: "apiVersion again at the end", text: "apiVersion: v1\nkind: Deployment\n" + body() + "apiVersion: apps/v1\n"},
	{name: "items twice, the first empty", text: "apiVersion: v1\nkind: List\nitems: []\nitems:\n-\n" + indented(web, "  ")},
	{name: "items twice, the second empty", text: "apiVersion: v1\nkind: List\nitems:\n-\n" + indented(web, "  ") + "items: []\n"},
	{name: "a key twice deep in a container", text: change(web, "image: app}", "image: app, readinessProbe: {failureThreshold: 1, failureThreshold: 2}}")},
	{name: "an environment variable's value twice", text: change(web, "image: app}", "image: app, env: [{name: a, value: b, value: c}]}")},
	{name: "a key twice in a ConfigMap beside a Deployment", text: config + "data: {a: b, a: c}\n---\n" + web},
	{name: "two different annotations", text: change(web, "        "+inbound, "        "+outbound+": \"23\"\n        "+inbound), fine: true},
	{name: "labels twice in the template", text: change(web, "      annotations:", "      labels: {app: a}\n      labels: {app: b}\n      annotations:")},
	{name: "a label twice in the template", text: change(web, "      annotations:", "      labels: {app: a, app: b}\n      annotations:")},
	{name: "initContainers twice", text: change(web, "      containers:", "      initContainers: []\n      initContainers: [{name: a, image: b}]\n      containers:")},
	{name: "the name of a container twice", text: change(web, "{name: app,", "{name: app, name: other,")},
	{name: "kind twice with one value", text: change(web, "kind: Deployment\n", "kind: Deployment\nkind: Deployment\n")},
	{name: "kind twice, once escaped", text: change(config, "kind: ConfigMap\n", "kind: ConfigMap\n\"\\x6bind\": Deployment\n") + "spec: {template: {metadata: {annotations: {" + inbound + ": \"22\"}}, spec: {containers: [{name: app, image: app}]}}}\n"},
	{name: "kind twice, once as ? kind", text: "apiVersion: apps/v1\nkind: ConfigMap\n? kind\n: Deployment\n" + body()},
	{name: "kind twice, once as !!binary", text: "apiVersion: apps/v1\nkind: ConfigMap\n!!binary a2luZA==: Deployment\n" + body()},
	{name: "kind twice, once as !!str", text: "apiVersion: apps/v1\nkind: ConfigMap\n!!str kind: Deployment\n" + body()},
	{name: "kind twice, once as an alias", text: "apiVersion: apps/v1\nx: &k kind\nkind: ConfigMap\n*k : Deployment\n" + body()},
	{name: "a second item's kind twice", text: "apiVersion: v1\nkind: List\nitems:\n-\n" + indented(config, "  ") + "-\n" + indented("apiVersion: apps/v1\nkind: ConfigMap\nkind: Deployment\n"+body(), "  ")},
}

var spelledRows = []row{
	{name: "kind in double quotes", text: change(web, "kind:", `"kind":`), fine: true},
	{name: "kind in single quotes", text: change(web, "kind:", `'kind':`), fine: true},
	{name: "kind escaped", text: change(web, "kind:", `"\x6bind":`)},
	{name: "kind as ? kind", text: change(web, "kind: Deployment", "? kind\n: Deployment")},
	{name: "kind as !!binary", text: change(web, "kind:", "!!binary a2luZA==:")},
	{name: "kind as a block scalar", text: change(web, "kind: Deployment", "? |-\n  kind\n: Deployment")},
	{name: "kind with !!str", text: change(web, "kind:", "!!str kind:")},
	{name: "kind with a tag of one's own", text: change(web, "kind:", "!foo kind:")},
	{name: "kind with the tag !", text: change(web, "kind:", "! kind:")},
	{name: "kind with an anchor", text: change(web, "kind:", "&a kind:")},
	{name: "kind as an alias", text: "x: &a kind\n" + change(web, "kind:", "*a :")},
	{name: "kind with a blank before the colon", text: change(web, "kind:", "kind :"), fine: true},
	{name: "kind with a tab behind the colon", text: change(web, "kind: ", "kind:\t")},
	{name: "kind with a no-break space before the colon", text: change(web, "kind:", "kind\u00a0:")},
	{name: "kind with a zero-width space", text: change(web, "kind:", "kind\u200b:")},
	{name: "Kind", text: change(web, "kind:", "Kind:")},
	{name: "KIND", text: change(web, "kind:", "KIND:")},
	{name: "kind with a Kelvin sign", text: change(web, "kind:", "\u212aind:")},
	{name: "kind ConfigMap and Kind Deployment", text: change(web, "kind: Deployment\n", "kind: ConfigMap\nKind: Deployment\n")},
	{name: "kind Deployment and Kind ConfigMap", text: change(web, "kind: Deployment\n", "kind: Deployment\nKind: ConfigMap\n")},
	{name: "apiversion", text: change(web, "apiVersion:", "apiversion:")},
	{name: "Metadata beside metadata", text: web + "Metadata: {name: other}\n"},
	{name: "Items beside a workload", text: web + "Items: []\n"},
	{name: "Annotations beside annotations", text: change(web, "      annotations:", "      Annotations: {}\n      annotations:")},
	{name: "spec as !!binary", text: change(web, "\nspec:", "\n!!binary c3BlYw==:")},
	{name: "template as !!binary", text: change(web, "  template:", "  !!binary dGVtcGxhdGU=:")},
	{name: "annotations as !!binary", text: change(web, "annotations:", "!!binary YW5ub3RhdGlvbnM=:")},
	{name: "the annotation as !!binary", text: change(web, inbound, "!!binary dHJhZmZpYy5zaWRlY2FyLmlzdGlvLmlvL2V4Y2x1ZGVJbmJvdW5kUG9ydHM=")},
	{name: "the annotation as !!binary beside itself", text: change(web, "        "+inbound+":", "        !!binary dHJhZmZpYy5zaWRlY2FyLmlzdGlvLmlvL2V4Y2x1ZGVJbmJvdW5kUG9ydHM=: \"23\"\n        "+inbound+":")},
	{name: "the annotation in quotes", text: change(web, inbound, `"`+inbound+`"`), fine: true},
	{name: "the annotation escaped", text: change(web, inbound, `"\x74raffic.sidecar.istio.io/excludeInboundPorts"`)},
	{name: "the annotation escaped beside itself", text: change(web, "        "+inbound+":", "        \"\\u0074raffic.sidecar.istio.io/excludeInboundPorts\": \"23\"\n        "+inbound+":")},
	{name: "the annotation with an escaped slash", text: change(web, inbound, `"traffic.sidecar.istio.io\/excludeInboundPorts"`)},
	{name: "the annotation over two lines", text: change(web, inbound, "? \"traffic.sidecar.istio.io/\\\n          excludeInboundPorts\"\n       ")},
	{name: "the annotation as ?", text: change(web, inbound+":", "? "+inbound+"\n        :")},
	{name: "the annotation with a blank behind it in the quotes", text: change(web, inbound, `"`+inbound+` "`)},
	{name: "metadata as ?", text: change(web, "metadata:\n  name: web", "? metadata\n: name: web")},
	{name: "items as !!binary", text: "apiVersion: v1\nkind: List\n!!binary aXRlbXM=:\n-\n" + indented(web, "  ")},
	{name: "items as ?", text: "apiVersion: v1\nkind: List\n? items\n:\n-\n" + indented(web, "  ")},
	{name: "a number as a key", text: web + "1: a\n"},
	{name: "a decimal as a key", text: web + "1.5: a\n"},
	{name: "true as a key", text: web + "true: a\n"},
	{name: "yes as a key", text: web + "yes: a\n"},
	{name: "null as a key", text: web + "null: a\n"},
	{name: "a date as a key", text: web + "2026-11-27: a\n"},
	{name: "a list as a key", text: web + "[a]: b\n"},
	{name: "a mapping as a key", text: web + "{a: b}: c\n"},
	{name: "an empty key", text: web + "\"\": a\n"},
	{name: "? without a value", text: web + "? a\n"},
	{name: "a number as an annotation's key", text: change(web, "        "+inbound, "        1: a\n        "+inbound)},
	{name: "yes as an annotation's key", text: change(web, "        "+inbound, "        yes: a\n        "+inbound)},
	{name: "01 as an annotation's key", text: change(web, "        "+inbound, "        01: a\n        "+inbound)},
	{name: "null as an annotation's key", text: change(web, "        "+inbound, "        ~: a\n        "+inbound)},
}
