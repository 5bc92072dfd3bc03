package mesh_test

import (
	"flag"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
	"github.com/krm-bypass/krm-bypass/test/page"
)

var update = flag.Bool("update", false, "rewrite the tables of docs/meshes.md and docs/ambient.md, and fail")

const pagePath = "../../docs/meshes.md"

// TestPage keeps the tables of the pages what the meshes' tables say.
func TestPage(t *testing.T) {
	fields, notes := fieldTable(t)
	tables := map[string]string{"fields": fields, "notes": notes, "keys": keyTable(t), "levels": levelTable(), "own": ownTable(), "others": otherTable(), "versions": versionTable(t)}
	const rewriting = "go test ./internal/mesh -run TestPage -update"
	page.Holds(t, pagePath, tables, *update, rewriting)
	page.Holds(t, "../../docs/ambient.md", map[string]string{"planes": planeTable()}, *update, rewriting)
}

// samples are settings of each field, between them every way in which a mesh
// may be unable to say it. The first is the plain one.
var samples = map[traffic.Field][]string{
	traffic.ExcludeInboundPorts:     {"8080", "1000-1015", "20000-32000", "514/UDP"},
	traffic.IncludeInboundPorts:     {"8080", "20000-32000"},
	traffic.ExcludeOutboundPorts:    {"3306", "1000-1015", "20000-32000", "443/UDP", "53", "53/TCP"},
	traffic.IncludeOutboundPorts:    {"7001", "20000-32000"},
	traffic.ExcludeOutboundIPRanges: {"10.0.0.0/8", "fd00::/8", "10.0.0.0/8 beside includeOutboundPorts 7001"},
	traffic.IncludeOutboundIPRanges: {"10.0.0.0/8", "fd00::/8", "", "10.0.0.0/8 beside includeOutboundPorts 7001"},
	traffic.ExcludeOutbound:         {"10.0.0.0/8@5432"},
}

// fieldTable gives field by mesh, and the notes to it.
func fieldTable(t *testing.T) (table, notes string) {
	var rows strings.Builder
	rows.WriteString("| |" + header() + "|---|" + strings.Repeat("---|", len(mesh.All())) + "\n")
	var said []string
	note := func(text string) string {
		i := slices.Index(said, text)
		if i < 0 {
			said = append(said, text)
			i = len(said) - 1
		}
		return fmt.Sprintf(" [%d](#notes-%d)", i+1, i+1)
	}
	for _, f := range traffic.Fields {
		rows.WriteString("| " + string(f) + " |")
		for _, m := range mesh.All() {
			rows.WriteString(" " + fieldCell(t, m, f, note) + " |")
		}
		rows.WriteString("\n")
	}
	rows.WriteString("| taking back what the mesh's own configuration excludes |")
	for _, m := range mesh.All() {
		rows.WriteString(" " + map[mesh.Levels]string{
			mesh.Replaces: "annotation", mesh.Adds: "impossible", mesh.FirstSaid: "impossible, but for replacing it by other entries", mesh.PodAlone: "nothing to take back",
		}[m.Levels] + " |")
	}
	rows.WriteString("\n")
	var list strings.Builder
	for i, text := range said {
		fmt.Fprintf(&list, "%d. <a id=\"notes-%d\"></a>%s.\n", i+1, i+1, text)
	}
	return rows.String(), list.String()
}

func fieldCell(t *testing.T, m *mesh.Mesh, f traffic.Field, note func(string) string) string {
	var left, reasons []string
	wholly := true
	for _, sample := range samples[f] {
		entries, beside, _ := strings.Cut(sample, " beside includeOutboundPorts ")
		var l traffic.Layer
		require.NoError(t, l.Set(f, traffic.SplitList(entries)))
		if beside != "" {
			require.NoError(t, l.Set(traffic.IncludeOutboundPorts, []string{beside}))
		}
		said, gaps := m.Express(l.Settings(), traffic.Layer{})
		gaps = slices.DeleteFunc(gaps, func(g mesh.Gap) bool { return g.Field != f })
		if len(gaps) == 0 {
			wholly = false
			continue
		}
		wholly = wholly && !said.Says(f)
		left = append(left, sample)
		reasons = append(reasons, gaps[0].Reason)
	}
	_, annotated := m.Key(f)
	switch {
	case len(left) == 0 && !annotated:
		return "nothing to say"
	case len(left) == 0:
		return "annotation"
	}
	cell := "in part"
	if wholly {
		cell = "init container"
	}
	var told []string
	for i, sample := range left {
		// One sample is enough of those that differ in a number.
		reason := strings.ReplaceAll(reasons[i], m.Name, "the mesh")
		kind := numbers.ReplaceAllString(reason, "")
		if slices.Contains(told, kind) {
			continue
		}
		told = append(told, kind)
		if wholly {
			cell += note(upper(reason))
			break
		}
		if sample == "" {
			sample = "[]"
		}
		cell += note("`" + sample + "`: " + reason)
	}
	return cell
}

var numbers = regexp.MustCompile(`[0-9/A-Z]+`)

func keyTable(t *testing.T) string {
	var rows strings.Builder
	rows.WriteString("| mesh | field | annotation |\n|---|---|---|\n")
	for _, m := range mesh.All() {
		for _, k := range m.Keys {
			example := "3306,8000-8002"
			if strings.HasSuffix(string(k.Field), "Ranges") {
				example = "192.0.2.0/24"
			}
			var l traffic.Layer
			require.NoError(t, l.Set(k.Field, traffic.SplitList(example)))
			fmt.Fprintf(&rows, "| %s | %s | `%s: \"%s\"` |\n", m.Name, k.Field, k.Annotation, k.Write(l.Settings()))
		}
	}
	return rows.String()
}

func levelTable() string {
	var rows strings.Builder
	rows.WriteString("| mesh | a pod's annotation | an empty one | without `spec.meshDefaults` it is taken to exclude |\n|---|---|---|---|\n")
	for _, m := range mesh.All() {
		meets := map[mesh.Levels][2]string{
			mesh.Replaces:  {"stands instead of the mesh's own", "clears it"},
			mesh.Adds:      {"is added to the mesh's own", "is refused"},
			mesh.FirstSaid: {"stands instead of the mesh's own", "is passed over"},
			mesh.PodAlone:  {"is all there is", "makes its init container fail"},
		}[m.Levels]
		defaults := "nothing"
		if !m.Defaults.IsZero() {
			defaults = strings.ReplaceAll(strings.TrimSpace(m.Defaults.String()), "\n", ", ")
			defaults = strings.ReplaceAll(defaults, "=", " ")
		}
		fmt.Fprintf(&rows, "| %s | %s | %s | %s |\n", m.Name, meets[0], meets[1], defaults)
	}
	return rows.String()
}

func ownTable() string {
	var rows strings.Builder
	rows.WriteString("| mesh | ports | namespaces |\n|---|---|---|\n")
	for _, m := range mesh.All() {
		var ports []string
		for _, own := range m.OwnPorts {
			ports = append(ports, own.Ports.String())
		}
		fmt.Fprintf(&rows, "| %s | %s | `%s` |\n", m.Name, strings.Join(ports, ", "), strings.Join(m.Namespaces, "`, `"))
	}
	return rows.String()
}

func versionTable(t *testing.T) string {
	var rows strings.Builder
	rows.WriteString("| mesh | versions | there | source |\n|---|---|---|---|\n")
	for _, m := range mesh.All() {
		for _, f := range m.Facts {
			require.Regexp(t, `^( since [0-9]+(\.[0-9]+)*)?( before [0-9]+(\.[0-9]+)*)?$`, strings.TrimPrefix(f.Versions(), f.Of))
			require.NotEqual(t, f.Of, f.Versions(), "it is true of some versions alone")
			require.NotEmpty(t, f.Source)
			fmt.Fprintf(&rows, "| %s | %s | %s | %s |\n", m.Name, f.Versions(), f.Says, f.Source)
		}
	}
	return rows.String()
}

func header() string {
	var names strings.Builder
	for _, name := range mesh.Names() {
		names.WriteString(" " + name + " |")
	}
	return names.String() + "\n"
}

func upper(text string) string { return strings.ToUpper(text[:1]) + text[1:] }

// otherTable lists the annotations beside Keys by which traffic bypasses.
func otherTable() string {
	var b strings.Builder
	b.WriteString("| mesh | annotation | opens | but not with |\n|---|---|---|---|\n")
	opens := map[mesh.Opening]string{mesh.OpensInbound: "inbound", mesh.OpensOutbound: "outbound", mesh.OpensAll: "both"}
	for _, m := range mesh.All() {
		for _, o := range m.Others {
			if o.Opens == 0 {
				continue
			}
			harmless := "`" + strings.Join(o.Harmless, "`, `") + "`"
			switch {
			case o.Words != nil:
				harmless = "a value without " + strings.Join(o.Words.Names(), ", ") + "; a key or value with a line break, a double quote or a backslash may bring in any"
			case o.Unfit != "":
				harmless = fmt.Sprintf("a value without any of `` %+q ``", o.Unfit)
			case o.Harmless == nil:
				harmless = ""
			}
			direction := opens[o.Opens]
			if !o.ReadOn(mesh.Sidecar) {
				direction += ", of ambient pods alone"
			}
			fmt.Fprintf(&b, "| %s | `%s` | %s | %s |\n", m.Name, o.Annotation, direction, harmless)
		}
		for _, prefix := range m.Prefixes {
			fmt.Fprintf(&b, "| %s | any other under `%s` | both | |\n", m.Name, prefix)
		}
	}
	return b.String()
}
