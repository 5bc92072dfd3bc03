package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"html"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/cmd/krm-bypass/report"
	"github.com/krm-bypass/krm-bypass/fn"
)

// trees are those of which every format has to say the same.
var trees = []string{"asm-ports", "init-containers", "istio-ambient", "operators", "ports-by-name", "reviewing/after", "reviewing/meant"}

// TestFormatsAgree holds the formats for people to what -o json says: each entry in force
// stands there, once for each workload.
func TestFormatsAgree(t *testing.T) {
	paths := strings.Fields(os.Getenv("TREES")) // others, to try by hand
	for _, tree := range trees {
		paths = append(paths, "../../examples/"+tree)
	}
	for _, path := range paths {
		t.Run(path, func(t *testing.T) {
			say := func(format string) string {
				_, out, errOut := krmBypass("", "explain", path, "-o", format, "--now", "2026-11-25")
				require.NotEmpty(t, out, errOut)
				return out
			}
			var r report.Explanation
			require.NoError(t, json.Unmarshal([]byte(say("json")), &r))
			single, merged := map[string]int{}, map[string]int{}
			for i := range r.Workloads {
				w := &r.Workloads[i]
				for _, f := range w.Fields {
					for _, e := range f.Entries {
						if e.InForce {
							single[said(w.Title(), f.Field, strings.Join(e.Holds, " "))]++
						}
					}
					for _, e := range report.Merged(f) {
						if e.InForce {
							merged[said(w.Title(), f.Field, strings.Join(e.Holds, ", "))]++
						}
					}
				}
			}
			require.NotEmpty(t, merged)
			for format, test := range map[string]struct {
				read func(*testing.T, string) map[string]int
				want map[string]int
			}{"wide": {inWide, single}, "markdown": {inMarkdown, merged}, "html": {inHTML, merged}} {
				if read := test.read(t, say(format)); read != nil || slices.Contains(trees, strings.TrimPrefix(path, "../../examples/")) {
					assert.Equal(t, listed(test.want), listed(read), format)
				}
			}
			for row, n := range inCSV(t, say("csv")) { // what intercepts has none
				assert.LessOrEqual(t, n, single[row], row)
			}
		})
	}
}

// said is an entry in force of a workload.
func said(workload, field, holds string) string {
	return fmt.Sprintf("%s: %s: %s", workload, field, strings.ReplaceAll(holds, "the empty list", ""))
}

func listed(counts map[string]int) (all []string) {
	for _, key := range slices.Sorted(maps.Keys(counts)) {
		all = append(all, fmt.Sprint(counts[key], " × ", key))
	}
	return all
}

var (
	wideTitle = regexp.MustCompile(`^(\S+ \S+(?: spec\.\S+)?)(?: \([^()]*\))?: `)
	gap       = regexp.MustCompile(` {2,}`)
)

func inWide(_ *testing.T, text string) map[string]int {
	all := map[string]int{}
	title, field, at := "", "", -1
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if m := wideTitle.FindStringSubmatch(line); m != nil {
			title, at = m[1], -1
		}
		switch {
		case strings.HasPrefix(line, "  FIELD"):
			at = strings.Index(line, "IN FORCE")
		case at < 0 || len(line) <= at || strings.Contains(line, " lets bypass: ") || strings.HasPrefix(line, "  the annotation cannot"):
		case line[at-2:at] == "  " && strings.HasPrefix(line, "  "):
			if line[2] != ' ' {
				field = strings.Fields(line)[0]
			}
			if holds := gap.Split(line[at:], 2)[0]; holds != "-" {
				all[said(title, field, holds)]++
			}
		}
	}
	return all
}

var (
	span     = regexp.MustCompile("`([^`]*)`")
	heading  = regexp.MustCompile("^(?:\\d+ workloads: )?((?:`[^`]*`(?:, )?)+)")
	whatLost = regexp.MustCompile(`^(?:[^|]*lost to|nothing of|[^|]*without a place)`)
)

// inMarkdown gives nil if the comment leaves something out.
func inMarkdown(_ *testing.T, text string) map[string]int {
	if strings.Contains(text, "This comment has no room") {
		return nil
	}
	all := map[string]int{}
	_, text, _ = strings.Cut(text, "<details><summary>")
	var titles []string
	field := ""
	for line := range strings.Lines(text) {
		if m := heading.FindStringSubmatch(line); m != nil {
			titles = nil
			for _, one := range span.FindAllStringSubmatch(m[1], -1) {
				titles = append(titles, one[1])
			}
		}
		cells := strings.Split(line, " | ")
		if len(cells) != 4 || strings.HasPrefix(line, "| field") {
			continue
		}
		if name := strings.TrimSpace(strings.TrimPrefix(cells[0], "|")); name != "" {
			field = name
		}
		in, _, _ := strings.Cut(cells[1], "; ")
		if field == report.OtherField || whatLost.MatchString(in) {
			continue
		}
		for _, title := range titles {
			all[said(title, field, strings.Trim(in, "`"))]++
		}
	}
	return all
}

var (
	section = regexp.MustCompile(`(?s)<section>(.*?)</section>`)
	one     = regexp.MustCompile(`class="one" id="[^"]*">([^<]*) <span`)
	h3      = regexp.MustCompile(`<h3>(?:\d+ workloads of ([^<]*)|[^</]* ([^</]*)/[^<]*|[^<]*)</h3>`)
	rung    = regexp.MustCompile(`<tr><th scope="row">(?:<span class="unseen">)?([^<]*)(?:</span>)?<td><span class="chip ([^"]*)"><b>.</b><span>([^<]*)</span>`)
)

func inHTML(_ *testing.T, text string) map[string]int {
	all := map[string]int{}
	fields := map[string]string{} // by what they are called
	for _, column := range regexp.MustCompile(`<th scope="col"[^>]*>([^<]*)<small>([^<]*)</small>`).FindAllStringSubmatch(text, -1) {
		if word := column[1]; strings.HasPrefix(column[2], fn.InitialPrefix) {
			fields[word+", while init containers run"] = column[2]
		} else {
			fields[word] = column[2]
		}
	}
	for _, part := range section.FindAllStringSubmatch(text, -1) {
		namespace := strings.Join(h3.FindStringSubmatch(part[1])[1:], "")
		field := ""
		for _, m := range rung.FindAllStringSubmatch(part[1], -1) {
			if m[1] != "" {
				field = fields[m[1]]
			}
			if field == report.OtherField || strings.Contains(m[2], "lost") {
				continue
			}
			for _, w := range one.FindAllStringSubmatch(part[1], -1) {
				kind, name, _ := strings.Cut(html.UnescapeString(w[1]), " ")
				if namespace != "" {
					name = namespace + "/" + name
				}
				all[said(kind+" "+name, field, html.UnescapeString(m[3]))]++
			}
		}
	}
	return all
}

func inCSV(t *testing.T, text string) map[string]int {
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	require.NoError(t, err)
	all := map[string]int{}
	at := map[string]int{}
	for i, name := range rows[0] {
		at[name] = i
	}
	for _, row := range rows[1:] {
		if row[at["field"]] == report.OtherField {
			continue
		}
		title := row[at["kind"]] + " " + strings.TrimPrefix(row[at["namespace"]]+"/"+row[at["name"]], "/")
		if i, has := at["template"]; has && row[i] != "" {
			title += " " + row[i]
		}
		all[said(title, row[at["field"]], row[at["inForce"]])]++
	}
	return all
}

// TestThePageShowsTheLinesThatChange compares with a folder, with a specification and with
// what comes from standard input, which cannot be read again.
func TestThePageShowsTheLinesThatChange(t *testing.T) {
	const after, before = "../../examples/reviewing/after", "../../examples/reviewing/before"
	page := func(stdin string, args ...string) string {
		_, out, errOut := krmBypass(stdin, append([]string{"explain", "-o", "html", "--now", "2026-11-25"}, args...)...)
		require.NotEmpty(t, out, errOut)
		return html.UnescapeString(out)
	}
	const container = `<span class="add">+            - --exclude-outbound-ip-ranges=169.254.169.254/32,192.0.2.0/24</span>`
	for name, text := range map[string]string{"a folder": page("", after, "--before", before), "a specification": page("", after, "--before", before+"/bypass.yaml")} {
		assert.Contains(t, text, "@@ Deployment shop/checkout, "+after+"/shop/checkout.yaml:1 @@", name)
		assert.Contains(t, text, container, name)
		assert.NotContains(t, text, "@@ StatefulSet shop/cart", "%s: it does not change", name)
	}
	manifest, err := os.ReadFile(after + "/shop/checkout.yaml")
	require.NoError(t, err)
	text := page(string(manifest), "-", "--spec", after+"/bypass.yaml", "--before", before+"/shop/checkout.yaml")
	assert.Contains(t, text, "The lines of YAML that change are not shown: standard input can be read only once")
}
