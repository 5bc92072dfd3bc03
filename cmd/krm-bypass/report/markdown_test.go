package report

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

func TestMarkupOfText(t *testing.T) {
	long := strings.Repeat("x", 300) + strings.Repeat("y", 400) + "the remedy"
	for text, want := range map[string][2]string{ // in prose, and as code
		"":                         {"", ""},
		"shop/web: 9102-9103":      {"shop/web: 9102-9103", "`shop/web: 9102-9103`"},
		"10.20.0.0/16@3306":        {"10.20.0.0/16&#64;&#8203;3306", "`10.20.0.0/16@3306`"},
		"ask @octocat, #123":       {"ask &#64;&#8203;octocat, &#35;&#8203;123", "`ask @octocat, #123`"},
		"a@":                       {"a&#64;&#8203;", "`a@`"},
		"since 1a2b3c4":            {"since 1a2b3c&#8203;4", "`since 1a2b3c4`"},
		"0123456789abcdef0-123456": {"012345&#8203;6789ab&#8203;cdef0-123456", "`0123456789abcdef0-123456`"},
		"see gh-7, WWW.a.b":        {"see gh-&#8203;7, WWW.&#8203;a.b", "`see gh-7, WWW.a.b`"},
		"https://a.b :100:":        {"https:&#8203;//a.b :&#8203;100:&#8203;", "`https://a.b :100:`"},
		"a|b":                      {"a&#124;b", "<code>a&#124;b</code>"},
		"`a` <b> [c](d)":           {"&#96;a&#96; &#60;b&#62; &#91;c&#93;(d)", "<code>&#96;a&#96; &#60;b&#62; &#91;c&#93;(d)</code>"},
		" a":                       {" a", "<code> a</code>"},
		"a\n\n# b":                 {`a&#92;n&#92;n&#35; b`, "`" + `a\n\n# b` + "`"},
		"&amp; *a* _b_ ~c~ $":      {"&#38;amp; &#42;a&#42; &#95;b&#95; &#126;c&#126; &#36;", "`&amp; *a* _b_ ~c~ $`"},
		long:                       {long[:300] + " (110 bytes left out) " + long[410:], "`" + long[:100] + " (510 bytes left out) " + long[610:] + "`"},
	} {
		assert.Equal(t, want, [2]string{prose(text), code(text)}, "%q", text)
	}
	assert.Equal(t, "````yaml\na: ```\n````\n", fenced("yaml", "a: ```\n\n"))
}

// What a comment has of its own, and what no other text in it may have.
var (
	ownMarkup = regexp.MustCompile("(?m)^### |\\*\\*|`[^`|\n]+`|<details( open)?>|</details>|</?summary>|</?code>|<br>|&#[0-9]+;|" +
		`\[[a-z-]+\]\(` + regexp.QuoteMeta(homepage) + `/blob/main/docs/lint\.md#[a-z-]+\)`)
	markup = regexp.MustCompile("[<>`@#*_~\\\\$\\[\\]]|(?i)www\\.[^\x00]|gh-[^\x00]|:[/a-z0-9]|&")
)

// hold says where text has become markup.
func hold(t require.TestingT, markdown string) {
	for line := range strings.Lines(markdown) {
		rest := ownMarkup.ReplaceAllString(line, "\x00")
		require.Empty(t, markup.FindString(rest), line)
	}
	columns := 0
	for line := range strings.Lines(markdown) {
		n := strings.Count(line, "|")
		if columns > 0 && n > 0 {
			require.Equal(t, columns, n, line)
		}
		columns = n
	}
}

// hostileTexts are what somebody might write to have more than a text in a comment.
var hostileTexts = []string{
	"`", "``", "|", "\\", "\\|", "\n", "\n\n", "\r\n", "# ", "- ", "> ", "```\n", "</details>", "</summary>", "<script>alert(1)</script>", "<!--", "-->", "<img src=x>", "<b", "&lt;", "&#60;", "@octocat", "a@b.example", "#123", "GH-12", "o/r#1",
	"https://a.example/", "http://", "www.a.example", "mailto:a@b.example", "[a](https://b.example)", "![a](b)", "[a]: b", "[^1]", "**", "__", "~~", "$a$", ":tada:", "::", "\u202e", "\x1b[31m", "\xff", " ", "a", "数据", "|---|",
}

// rewrite puts other texts in the place of everything that manifests and specs say.
func rewrite(r *Explanation, text func() string) {
	source := func(s *fn.Source) { s.File, s.Path = text(), text() }
	entry := func(e *fn.ExplainedEntry) {
		e.Entry, e.Reason, e.Owner = text(), text(), text()
		e.Holds, e.NoPlace = []string{text()}, []string{text(), text()}
		source(&e.From)
		for i := range e.Lost {
			source(&e.Lost[i].To)
		}
	}
	for i := range r.Workloads {
		w := &r.Workloads[i]
		w.Namespace, w.Name, w.Kind, w.File, w.Reason, w.Notes = text(), text(), text(), text(), text(), []string{text()}
		source(&w.ModeFrom)
		w.Others = []fn.ExplainedOther{{Name: text(), Value: text(), From: fn.Source{Scope: fn.FromTemplate}, Lets: map[string][]string{"excludeInboundPorts": {"1"}}}}
		for j := range w.Fields {
			w.Fields[j].Gap, w.Fields[j].Effective = text(), []string{text()}
			for k := range w.Fields[j].Entries {
				entry(&w.Fields[j].Entries[k])
			}
		}
		if w.Decision != nil {
			w.Decision.Connection, w.Decision.Why = text(), text()
			for k := range w.Decision.By {
				entry(&w.Decision.By[k])
			}
		}
		if w.Change != nil {
			w.Change.Outcome = text()
			for _, f := range w.Change.Fields {
				for _, entries := range [][]fn.ExplainedEntry{f.Added, f.Removed} {
					for i := range entries {
						entry(&entries[i])
					}
				}
			}
		}
	}
	r.results = fn.Results{{Severity: fn.Error, Message: text(), File: &fn.File{Path: text()}, ResourceRef: &fn.ResourceRef{Kind: text(), Name: text()}, Field: &fn.Field{Path: text()}}}
	r.reach = []fn.Reach{{Path: text(), Name: text(), File: text(), Meant: text(), Unreached: true}}
	r.PassedOver = []string{text()}
	if r.Comparison != nil {
		r.Comparison.Gone = []fn.TemplateRef{{ResourceRef: fn.ResourceRef{Kind: text(), Name: text()}}}
		r.Comparison.Warnings = []string{text()}
	}
	r.summarise()
}

// TestCommentsHaveNoMarkupOfManifests has hostile texts wherever somebody may write one.
func TestCommentsHaveNoMarkupOfManifests(t *testing.T) {
	for name, r := range map[string]Explanation{"settings": reportOf(t, spec, manifests), "answers": asked(t, "192.0.2.7:5432"), "changes": compared(t)} {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				rewrite(&r, func() string {
					return strings.Join(rapid.SliceOfN(rapid.SampledFrom(hostileTexts), 0, 4).Draw(t, "text"), "")
				})
				hold(t, writtenExplanation(t, "markdown", r))
			})
		})
	}
	for _, text := range []string{"a @b", "<b>", "https:/", "a|b", "`"} {
		assert.NotEmpty(t, markup.FindString(ownMarkup.ReplaceAllString(text, ""))+strings.Repeat("|", strings.Count(text, "|")), "the judge sees %s", text)
	}
}

// TestCommentsListWhatIsSwitchedOff beside what reaches nobody by a slip.
func TestCommentsListWhatIsSwitchedOff(t *testing.T) {
	off := strings.Replace(spec, "  workloads:\n", "  workloads:\n  - {match: {names: [web]}, name: off, suspend: true, excludeOutboundPorts: [26]}\n", 1)
	require.NotEqual(t, spec, off)
	assert.Regexp(t, "(?m)^- `spec.workloads\\[0\\] off` in `bypass.yaml:[0-9]+` reaches nobody: suspended$", writtenExplanation(t, "markdown", reportOf(t, off, manifests)))
	assert.NotContains(t, writtenExplanation(t, "markdown", reportOf(t, spec, manifests)), "suspended")
}

// TestCommentsFit has comments of more than GitHub takes.
func TestCommentsFit(t *testing.T) {
	spec, manifests := cluster(2000)
	settings := reportOf(t, spec, manifests)
	changes, answers := settings, settings
	changes.Workloads, answers.Workloads = slices.Clone(settings.Workloads), slices.Clone(settings.Workloads)
	changes.Compare(reportOf(t, strings.NewReplacer("3306, 5433", "5433", "example.com/init:v1", "example.com/init:v2").Replace(spec), manifests))
	connection, err := traffic.ParseOutbound("10.1.2.3:3306")
	require.NoError(t, err)
	answers.Decide(connection, "10.1.2.3:3306")
	for name, r := range map[string]Explanation{"settings": settings, "changes": changes, "answers": answers} {
		text := writtenExplanation(t, "markdown", r)
		assert.Less(t, len(text), 65_536, name)
		assert.Equal(t, strings.Count(text, "<details"), strings.Count(text, "</details>"), name)
		assert.Contains(t, text, "`krm-bypass explain -o wide` leaves nothing out", name)
		assert.NotRegexp(t, `</summary>\s*(and \d+ more [a-z ]+\s*)?</details>|###[^\n]*\n\s*and \d+ more`, text, name)
		hold(t, text)
	}
	for _, length := range []int{0, 1, 100, 900} {
		r := compared(t)
		rewrite(&r, func() string { return strings.Repeat("@", length) })
		for range 300 {
			r.results = append(r.results, fn.Result{Severity: fn.Error, Message: strings.Repeat("#", length), Field: &fn.Field{ProposedValue: strings.Repeat("`", 2*length)}})
			r.Comparison.Gone = append(r.Comparison.Gone, fn.TemplateRef{ResourceRef: fn.ResourceRef{Kind: "a", Name: strings.Repeat("|", length)}})
			r.Workloads = append(r.Workloads, r.Workloads[0])
			r.Workloads[len(r.Workloads)-1].Namespace = strings.Repeat("|", length)
		}
		require.Less(t, len(writtenExplanation(t, "markdown", r)), 65_536)
	}
}
