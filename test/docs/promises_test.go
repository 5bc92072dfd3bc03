package docs

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestPromises has each paragraph, list item and table row of the pages on security
// name the tests that hold it, or say why there is none.
func TestPromises(t *testing.T) {
	for _, page := range []string{"SECURITY.md", "docs/guardrails.md", "docs/admission.md", "docs/audit.md"} {
		text := pages(t)[page]
		require.NotEmpty(t, promises(text), page)
		for _, wrong := range unheld(text) {
			t.Errorf("%s: %s", page, wrong)
		}
	}
}

// TestBesideRendering has each row of the table of test/README.md about what stands beside
// rendering name the tests that hold it.
func TestBesideRendering(t *testing.T) {
	text, found := readPage("test/README.md")
	require.True(t, found)
	_, table, found := strings.Cut(text, "| what | page | tests |\n|---|---|---|\n")
	require.True(t, found)
	table, _, _ = strings.Cut(table, "\n\n")
	for row := range strings.Lines(table) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(row), "|"), "|")
		require.Len(t, cells, 3, row)
		for named := range strings.SplitSeq(cells[2], ",") {
			assert.True(t, strings.Contains(named, " Test") && isThere(named), "there is no %s", named)
		}
	}
}

func TestPromisesThatNothingHolds(t *testing.T) {
	for text, wrong := range map[string][]string{
		"It holds.\nIt does. <!-- test: test/docs TestPromises -->\n":             nil,
		"It holds. <!-- test: hack/test.sh, test/docs TestPromises -->\n":         nil,
		"Advice. <!-- no test: it is advice -->\n":                                nil,
		"# A heading\n\n    shown\n\n```yaml\na: 1\n\nb: 2\n```\n":                nil,
		"| a | b |\n|---|---|\n| c | d <!-- test: test/docs TestPromises --> |\n": nil,
		"It holds.\n": {`"It holds." names no test: end it with <!-- test: FOLDER TestX -->, or <!-- no test: why -->`},
		"- one <!-- test: test/docs TestPromises -->\n- another\n  line\n": {`"another\n  line" names no test: end it with <!-- test: FOLDER TestX -->, or <!-- no test: why -->`},
		"| a |\n|---|\n| c |\n":                        {`"| c |" names no test: end it with <!-- test: FOLDER TestX -->, or <!-- no test: why -->`},
		"It. <!-- test: test/docs TestPromise -->\n":   {"there is no test/docs TestPromise"},
		"It. <!-- test: test/nowhere TestIt -->\n":     {"there is no test/nowhere TestIt"},
		"It. <!-- test: testdata/golden/nowhere -->\n": {"there is no testdata/golden/nowhere"},
	} {
		assert.Equal(t, wrong, unheld(text), text)
	}
}

var (
	fence    = regexp.MustCompile("(?ms)^```.*?\n```$")
	evidence = regexp.MustCompile(`<!-- (test|no test): ([^>]+) -->(?: \|)?$`)
)

// promises gives the paragraphs, list items and table rows of a page, without headings
// and what is set apart as code.
func promises(page string) []string {
	var all []string
	for block := range strings.SplitSeq(fence.ReplaceAllString(page, ""), "\n\n") {
		block = strings.Trim(block, "\n")
		switch {
		case block == "", strings.HasPrefix(block, "#"), strings.HasPrefix(block, "    "):
		case strings.HasPrefix(block, "|"):
			all = append(all, strings.Split(block, "\n")[2:]...)
		default:
			all = append(all, strings.Split(strings.TrimPrefix(block, "- "), "\n- ")...)
		}
	}
	return all
}

// unheld says what of a page no test holds.
func unheld(page string) []string {
	var wrong []string
	for _, promise := range promises(page) {
		held := evidence.FindStringSubmatch(promise)
		switch {
		case held == nil:
			wrong = append(wrong, fmt.Sprintf("%q names no test: end it with <!-- test: FOLDER TestX -->, or <!-- no test: why -->", promise))
		case held[1] == "test":
			for named := range strings.SplitSeq(held[2], ", ") {
				if !isThere(named) {
					wrong = append(wrong, "there is no "+named)
				}
			}
		}
	}
	return wrong
}

// isThere finds a test by its folder and name, and anything else by its path.
func isThere(named string) bool {
	folder, test, isTest := strings.Cut(strings.Join(strings.Fields(named), " "), " ")
	if !isTest {
		_, err := os.Stat(filepath.Join(root, folder))
		return err == nil
	}
	files, _ := filepath.Glob(filepath.Join(root, folder, "*_test.go"))
	for _, file := range files {
		if text, err := os.ReadFile(file); err == nil && strings.Contains(string(text), "\nfunc "+test+"(") {
			return true
		}
	}
	return false
}
