package docs

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestLinks follows every link within the repository, to its file and to its heading.
func TestLinks(t *testing.T) {
	all := pages(t)
	for name, text := range all {
		for _, wrong := range brokenLinks(name, text, readPage) {
			t.Error(wrong)
		}
	}
}

func readPage(name string) (string, bool) {
	info, err := os.Stat(filepath.Join(root, name))
	if err != nil || info.IsDir() {
		return "", err == nil
	}
	text, err := os.ReadFile(filepath.Join(root, name))
	return string(text), err == nil
}

func TestBrokenLinksAreFound(t *testing.T) {
	read := func(name string) (string, bool) {
		text, found := map[string]string{
			"docs/a.md": "# A page\n## `krm-bypass ui`, and more: 1.5\n### Twice\n### Twice\n<a id=\"here\"></a>\n",
			"docs":      "",
		}[name]
		return text, found
	}
	for text, want := range map[string]string{
		"[x](docs/a.md)":        "",
		"[x](docs/)":            "",
		"[x](docs/a.md#a-page)": "",
		"[x](docs/a.md#krm-bypass-ui-and-more-15)": "",
		"[x](docs/a.md#twice-1)":                   "",
		"[x](docs/a.md#here)":                      "",
		"[x](https://nowhere.invalid/#x)":          "",
		"`[x](docs/b.md)`":                         "",
		"```\n[x](docs/b.md)\n```\n":               "",
		"[x](docs/b.md)":                           "README.md links to docs/b.md, which is not there",
		"[x](docs/a.md#a)":                         "README.md links to docs/a.md#a, which has no such heading",
		"[x\ny](docs/a.md#twice-2)":                "README.md links to docs/a.md#twice-2, which has no such heading",
		"# Here\n[x](#here)":                       "",
		"# Here\n[x](#there)":                      "README.md links to README.md#there, which has no such heading",
		"![picture](docs/pictures/none.png)":       "README.md links to docs/pictures/none.png, which is not there",
	} {
		var all []string
		if want != "" {
			all = []string{want}
		}
		assert.Equal(t, all, brokenLinks("README.md", text, read), text)
	}
}

var (
	link    = regexp.MustCompile(`\]\(([^()\s]+)\)`)
	inCode  = regexp.MustCompile("(?s)```.*?```|`[^`\n]*`")
	anchor  = regexp.MustCompile(`<a id="([^"]+)">`)
	deleted = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// brokenLinks names the links of a page that lead nowhere.
func brokenLinks(name, text string, read func(name string) (string, bool)) (wrong []string) {
	for _, match := range link.FindAllStringSubmatch(inCode.ReplaceAllString(text, ""), -1) {
		target, place, hasPlace := strings.Cut(match[1], "#")
		if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
			continue
		}
		file, page := name, text
		if target != "" {
			found := false
			file = path.Join(path.Dir(name), target)
			if page, found = read(file); !found {
				wrong = append(wrong, fmt.Sprintf("%s links to %s, which is not there", name, file))
				continue
			}
		}
		if hasPlace && strings.HasSuffix(file, ".md") && !anchors(page)[place] {
			wrong = append(wrong, fmt.Sprintf("%s links to %s#%s, which has no such heading", name, file, place))
		}
	}
	return wrong
}

// anchors gives the places of a page to which one can link, as forges make them of headings.
func anchors(page string) map[string]bool {
	places := map[string]bool{}
	for _, match := range anchor.FindAllStringSubmatch(page, -1) {
		places[match[1]] = true
	}
	for _, line := range heading.FindAllString(fence.ReplaceAllString(page, ""), -1) {
		_, words, _ := strings.Cut(line, " ")
		slug := strings.ReplaceAll(deleted.ReplaceAllString(strings.ToLower(words), ""), " ", "-")
		unique := slug
		for n := 1; places[unique]; n++ {
			unique = fmt.Sprintf("%s-%d", slug, n)
		}
		places[unique] = true
	}
	return places
}

// mostWords is how much a user has to read at most, without what is generated.
const mostWords = 10000

// generated finds what a reader looks up and nobody reads: tables made from types, flags
// and meshes, and code.
var generated = regexp.MustCompile("(?s)<!-- (?:generated|measured): .*?<!-- end -->|```.*?```|<!--.*?-->")

// reference lists pages that are generated as a whole.
var reference = map[string]bool{
	"docs/spec.md": true, "docs/commands.md": true, "docs/keys.md": true, "docs/kinds.md": true, "docs/lint.md": true, "docs/licences.md": true,
}

// TestWords counts them.
func TestWords(t *testing.T) {
	total := 0
	for name, text := range pages(t) {
		if (path.Dir(name) == "docs" || name == "README.md") && !reference[name] {
			words := len(strings.Fields(generated.ReplaceAllString(text, "")))
			t.Logf("%5d %s", words, name)
			total += words
		}
	}
	t.Logf("%5d together", total)
	require.LessOrEqual(t, total, mostWords, "cut what is said twice")
}
