package corpus

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestJudge tampers with what was rendered, in every style, and holds the judge
// of changed bytes to seeing it.
func TestJudge(t *testing.T) {
	s := specs[0]
	tampered := 0
	for style, files := range manifests(t) {
		for _, file := range files {
			after := render(t, s.text, file)[0].Text
			c := testCase{s, file, after}
			confined(t, c)
			for what, text := range tamperings(string(after)) {
				if text == string(after) {
					continue
				}
				tampered++
				c.after = []byte(text)
				assert.True(t, refuses(func(t require.TestingT) { confined(t, c) }), "%s: %s is not seen in\n%s", style, what, file.Path)
			}
		}
	}
	assert.Greater(t, tampered, 3*leastManifests)
}

// TestTheOtherReaderJudges tampers with what was rendered and holds the judge of data
// to seeing it, and to seeing nothing otherwise.
func TestTheOtherReaderJudges(t *testing.T) {
	s, seen := specs[0], 0
	for style, files := range manifests(t) {
		for _, file := range files {
			after := render(t, s.text, file)[0].Text
			where, err := changedElsewhere(file.Text, after, meshOf(t, s), map[string]int{})
			require.NoError(t, err, file.Path)
			require.Empty(t, where, file.Path)
			for _, what := range []string{"a key in another case", "an image with another tag", "an annotation changed"} {
				text := tamperings(string(after))[what]
				if text == string(after) {
					continue
				}
				seen++
				where, err := changedElsewhere(file.Text, []byte(text), meshOf(t, s), map[string]int{})
				assert.True(t, err != nil || where != "", "%s: %s is not seen in\n%s", style, what, file.Path)
			}
		}
	}
	assert.Greater(t, seen, leastManifests)
}

// tamperings gives a text with one thing changed that no spec asks for; the
// text itself where there is no such thing.
func tamperings(text string) map[string]string {
	swap := func(old, new string) string {
		at := strings.LastIndex(text, old)
		if at < 0 {
			return text
		}
		return text[:at] + new + text[at+len(old):]
	}
	first := func(old, new string) string { return strings.Replace(text, old, new, 1) }
	return map[string]string{
		"a key in another case":     swap("containers", "Containers"),
		"a comment that lost words": first("# ", "#"),
		"a value in other quotes":   first(`apps/v1`, `'apps/v1'`),
		"an image with another tag": swap(":latest", ":newest"),
		"a name that lost a letter": first("name", "nam"),
		"another annotation beside": swap(`dev/policy: `, `dev/police: `),
		"another one in quotes":     swap(`dev/policy":"v1`, `dev/police":"v1`),
		"an annotation changed":     swap("prometheus.io/scrape", "prometheus.io/scrap"),
	}
}

// TestSettingsAreJudged renders with other ranges than the spec has, and holds
// the judge of settings to seeing it.
func TestSettingsAreJudged(t *testing.T) {
	s := specs[1]
	fewer := strings.Replace(s.text, "169.254.169.254/32", "169.254.169.252/31", 1)
	require.NotEqual(t, s.text, fewer)
	for style, files := range manifests(t) {
		for _, file := range files {
			after := render(t, fewer, file)[0].Text
			if bytes.Equal(after, file.Text) {
				continue
			}
			assert.True(t, refuses(func(t require.TestingT) { settingsReadBack(t, testCase{s, file, after}) }),
				"%s: another range is not seen in\n%s", style, file.Path)
		}
	}
}

// refuses reports whether a judge fails.
func refuses(judge func(t require.TestingT)) bool { return heard(judge).failed }

// heard gives a judge's verdict.
func heard(judge func(t require.TestingT)) (verdict *silent) {
	verdict = &silent{}
	defer func() {
		if r := recover(); r != nil && r != verdict {
			panic(r)
		}
	}()
	judge(verdict)
	return verdict
}

// silent takes note of a failure instead of reporting it.
type silent struct {
	failed bool
	says   string
}

func (s *silent) Errorf(format string, values ...any) {
	s.failed = true
	s.says += fmt.Sprintf(format, values...)
}

func (s *silent) FailNow() { panic(s) }
