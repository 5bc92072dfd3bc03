package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
)

// varied has objects of which no two are alike, in the styles in which people and
// generators write: quotes, comments, order of keys, indentation of lists, literal
// blocks, collections in flow style; one in twenty is in flow style as a whole, and one
// in twenty has anchors.
var varied = input{"varied", func(kind, number int) string {
	d := &draft{Rand: rand.New(rand.NewPCG(uint64(number), 1)), number: number}
	d.name = d.of("checkout", "cart", "search", "billing", "identity", "mailer", "reports") + "-" +
		d.of("api", "worker", "web", "sync", "gateway") + "-" + strconv.Itoa(number)
	d.list = d.IntN(2) * 2
	d.comments, d.sorted = d.IntN(5) < 3, d.IntN(2) == 0
	switch kind {
	case aService:
		return d.block(d.service())
	case aConfigMap:
		return d.block(d.configMap())
	}
	object := d.deployment()
	switch d.IntN(40) {
	case 0:
		return d.flow(object, true) + "\n"
	case 1:
		return d.flowOverLines(object, "") + "\n"
	}
	return d.block(object)
}, variedSpec}

// variedSpec leaves what a workload says itself beside what it adds, so that every fifth
// has settings of its own.
var variedSpec = strings.NewReplacer("  mesh: Istio\n", "  mesh: Istio\n  merge: Union\n",
	"      - app-*0\n      - app-*5\n", "      - checkout-*\n").Replace(uniformSpec)

// What an object is made of, beside strings.
type (
	mapping []entry
	entry   struct {
		key   string
		value any
	}
	list []any
	// bare is written as it is: a number, a word of YAML, an alias.
	bare string
	// literal is a text of several lines.
	literal string
	// anchored has an anchor.
	anchored struct {
		name  string
		value mapping
	}
)

// draft draws an object, and writes it in a style that it draws.
type draft struct {
	*rand.Rand
	name             string
	number           int
	list             int // the step from a key to the dashes of its list
	comments, sorted bool
	strings.Builder
}

func (d *draft) of(words ...string) string { return words[d.IntN(len(words))] }

// some gives a value once in n times, else nothing.
func some[T any](d *draft, n int, values ...T) []T {
	if d.IntN(n) > 0 {
		return nil
	}
	return values
}

func (d *draft) metadata(more ...entry) mapping {
	return append(mapping{
		{"name", d.name}, {"namespace", "default"},
		{"annotations", mapping{{"config.kubernetes.io/index", "%INDEX%"}, {"internal.config.kubernetes.io/index", "%INDEX%"}}},
	}, more...)
}

func (d *draft) deployment() mapping {
	labels := mapping{{"app.kubernetes.io/name", d.name}, {"tier", d.of("front", "back")}}
	var selector, template any = labels, append(slices.Clone(labels), entry{"version", "v1." + strconv.Itoa(d.IntN(90))})
	if d.IntN(20) == 0 {
		selector, template = anchored{"labels", labels}, bare("*labels")
		d.sorted = true // an anchor comes before its alias
	}
	pod := mapping{{"serviceAccountName", d.name}, {"containers", d.containers()}}
	pod = append(pod, some(d, 2, entry{"securityContext", mapping{{"runAsNonRoot", bare("true")}, {"runAsUser", bare(strconv.Itoa(10000 + d.IntN(999)))}}})...)
	pod = append(pod, some(d, 2, entry{"volumes", list{
		mapping{{"name", "tmp"}, {"emptyDir", mapping{}}}, mapping{{"name", "config"}, {"configMap", mapping{{"name", d.name}}}},
	}})...)
	pod = append(pod, some(d, 3, entry{"nodeSelector", mapping{{"kubernetes.io/os", "linux"}}}, entry{"tolerations", list{}})...)
	pod = append(pod, some(d, 2, entry{"terminationGracePeriodSeconds", bare(strconv.Itoa(d.IntN(90)))})...)
	about := mapping{{"labels", template}}
	if d.number%5 == 0 {
		about = append(about, entry{"annotations", mapping{{"traffic.sidecar.istio.io/excludeOutboundPorts", strconv.Itoa(10000 + d.number)}}})
	} else {
		about = append(about, some(d, 2, entry{"annotations", mapping{{"prometheus.io/scrape", "true"}, {"checksum/config", fmt.Sprintf("%016x", d.Uint64())}}})...)
	}
	return mapping{
		{"apiVersion", "apps/v1"}, {"kind", bare("Deployment")}, {"metadata", d.shuffled(d.metadata(entry{"labels", labels}))},
		{"spec", d.shuffled(mapping{
			{"replicas", bare(strconv.Itoa(1 + d.IntN(9)))}, {"selector", mapping{{"matchLabels", selector}}},
			{"template", mapping{{"metadata", d.shuffled(about)}, {"spec", d.shuffled(pod)}}},
		})},
	}
}

func (d *draft) containers() list {
	var all list
	for i := range 1 + d.IntN(2) {
		c := mapping{{"name", "c" + strconv.Itoa(i)}, {"image", fmt.Sprintf("registry.example.com/%s:%d.%d", d.name, d.IntN(9), d.IntN(99))}}
		c = append(c, some(d, 4, entry{"command", list{"/bin/sh", "-c", literal("set -eu\n# wait: for it\nexec /bin/" + d.name + "\n")}})...)
		args := list{}
		for range d.IntN(5) {
			args = append(args, "--"+d.of("log", "port", "peer", "cache")+"="+d.of("info", ":8080", "http://"+d.name+":80", "a b"))
		}
		env := list{}
		for n := range d.IntN(6) {
			env = append(env, mapping{{"name", fmt.Sprintf("SETTING_%d", n)}, {"value", d.of("true", "12", "it's", d.name, "", "a: b", "x #y")}})
		}
		c = append(c, entry{"args", args}, entry{"env", env},
			entry{"ports", list{mapping{{"name", "http"}, {"containerPort", bare(strconv.Itoa(8000 + d.IntN(99)))}, {"protocol", "TCP"}}}},
			entry{"resources", mapping{{"requests", mapping{{"cpu", strconv.Itoa(d.IntN(900)) + "m"}, {"memory", "128Mi"}}}, {"limits", mapping{{"memory", "256Mi"}}}}})
		c = append(c, some(d, 2, entry{"readinessProbe", mapping{{"httpGet", mapping{{"path", "/ready"}, {"port", "http"}}}, {"periodSeconds", bare("5")}}})...)
		c = append(c, some(d, 2, entry{"securityContext", mapping{{"allowPrivilegeEscalation", bare("false")}, {"capabilities", mapping{{"drop", list{"ALL"}}}}}})...)
		c = append(c, some(d, 2, entry{"volumeMounts", list{mapping{{"name", "tmp"}, {"mountPath", "/tmp"}}}})...)
		all = append(all, d.shuffled(c))
	}
	return all
}

func (d *draft) service() mapping {
	return mapping{{"apiVersion", "v1"}, {"kind", bare("Service")}, {"metadata", d.metadata()}, {"spec", mapping{
		{"selector", mapping{{"app.kubernetes.io/name", d.name}}},
		{"ports", list{mapping{{"name", "http"}, {"port", bare("80")}, {"targetPort", "http"}}}},
	}}}
}

func (d *draft) configMap() mapping {
	return mapping{{"apiVersion", "v1"}, {"kind", bare("ConfigMap")}, {"metadata", d.metadata()},
		{"data", mapping{{"config.yaml", literal("listen: :8080\nstorage:\n  path: /var/lib/" + d.name + "\n")}}}}
}

func (d *draft) shuffled(m mapping) mapping {
	if !d.sorted {
		d.Shuffle(len(m), func(i, j int) { m[i], m[j] = m[j], m[i] })
	}
	return m
}

// block writes an object in block style.
func (d *draft) block(m mapping) string {
	d.entries(m, 0)
	return d.String()
}

func (d *draft) entries(m mapping, column int) {
	for i, e := range m {
		if i > 0 {
			d.line(column)
		}
		d.WriteString(e.key + ":")
		d.value(e.value, column, d.list)
	}
	if column == 0 {
		d.WriteString("\n")
	}
}

// line begins a line, and perhaps one with a comment before it.
func (d *draft) line(column int) {
	if d.comments && d.IntN(9) == 0 {
		d.WriteString(" # " + d.of("why: because", "see {docs}", "TODO", "it's so"))
	}
	if d.comments && d.IntN(12) == 0 {
		d.WriteString("\n" + strings.Repeat(" ", column) + "# " + d.of("- name: old", "kept for now", "\"quoted\""))
	}
	d.WriteString("\n" + strings.Repeat(" ", column))
}

// value writes what stands behind a colon.
func (d *draft) value(value any, column, step int) {
	switch v := value.(type) {
	case anchored:
		d.WriteString(" &" + v.name)
		d.line(column + 2)
		d.entries(v.value, column+2)
	case literal:
		d.WriteString(" |")
		for line := range strings.Lines(string(v)) {
			d.WriteString("\n" + strings.Repeat(" ", column+2) + strings.TrimSuffix(line, "\n"))
		}
	case mapping:
		if len(v) == 0 || d.short(v) && d.IntN(4) == 0 {
			d.WriteString(" " + d.flow(v, false))
			return
		}
		d.line(column + 2)
		d.entries(v, column+2)
	case list:
		if len(v) == 0 || d.short(v) && d.IntN(3) == 0 {
			d.WriteString(" " + d.flow(v, false))
			return
		}
		for _, item := range v {
			d.line(column + step)
			if m, is := item.(mapping); is {
				d.WriteString("- ")
				d.entries(m, column+step+2)
				continue
			}
			d.WriteString("-")
			d.value(item, column+step, 0)
		}
	default:
		d.WriteString(" " + d.scalar(v, false))
	}
}

// short reports whether a collection holds a few scalars.
func (d *draft) short(value any) bool {
	scalar := func(value any) bool {
		_, text := value.(string)
		_, word := value.(bare)
		return text || word
	}
	switch v := value.(type) {
	case mapping:
		return len(v) < 4 && !slices.ContainsFunc(v, func(e entry) bool { return !scalar(e.value) })
	case list:
		return len(v) < 6 && !slices.ContainsFunc(v, func(item any) bool { return !scalar(item) })
	}
	return false
}

// flow writes a value in one line, perhaps as JSON.
func (d *draft) flow(value any, json bool) string {
	var parts []string
	switch v := value.(type) {
	case mapping:
		for _, e := range v {
			key := e.key
			if json {
				key = strconv.Quote(key)
			}
			parts = append(parts, key+": "+d.flow(e.value, json))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case list:
		for _, item := range v {
			parts = append(parts, d.flow(item, json))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	return d.scalar(value, json)
}

// flowOverLines writes a value as JSON with a line for every entry.
func (d *draft) flowOverLines(value any, prefix string) string {
	var parts []string
	brackets := "{}"
	switch v := value.(type) {
	case mapping:
		for _, e := range v {
			parts = append(parts, strconv.Quote(e.key)+": "+d.flowOverLines(e.value, prefix+"  "))
		}
	case list:
		brackets = "[]"
		for _, item := range v {
			parts = append(parts, d.flowOverLines(item, prefix+"  "))
		}
	default:
		return d.flow(value, true)
	}
	if len(parts) == 0 {
		return brackets
	}
	between := "\n" + prefix + "  "
	return brackets[:1] + between + strings.Join(parts, ","+between) + "\n" + prefix + brackets[1:]
}

// scalar writes one in quotes where it needs them, and now and then where it does not.
func (d *draft) scalar(value any, json bool) string {
	switch v := value.(type) {
	case anchored:
		return "&" + v.name + " " + d.flow(v.value, json)
	case bare:
		if json && v == "Deployment" {
			return strconv.Quote(string(v))
		}
		return string(v)
	case literal:
		return strconv.Quote(string(v))
	case string:
		words := strings.Trim(v, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
		plain := v != "" && v != "true" && (words || strings.Trim(v, "0123456789e%") != "" && !strings.ContainsAny(v, "{}[],#'%") && !strings.Contains(v, ": "))
		switch {
		case json || d.IntN(10) == 0:
			return strconv.Quote(v)
		case !plain || d.IntN(10) == 0:
			return "'" + strings.ReplaceAll(v, "'", "''") + "'"
		}
		return v
	}
	panic(fmt.Sprintf("a %T is no value", value))
}
