package page_test

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/cmd/krm-bypass/page"
	"github.com/krm-bypass/krm-bypass/internal/revise"
	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// Whatever is typed into a field changes that field of its rule, or comes back as it was
// typed, with what is wrong. It never is markup, nor any other part of the specification.
func TestHostileInput(t *testing.T) {
	before, err := revise.Rows(yamltext.File{Text: []byte(shop)})
	require.NoError(t, err)
	for i, typed := range []string{
		"<script>seen=1</script>", `"><img src=x onerror=seen=1>`, "</textarea><script>seen=1</script>", "{{.}}", "a: b # c", "]\n  global: {excludeOutboundPorts: [1]}",
		"- x\n- y", "&a *a !!binary x", "---\nkind: Secret", "\x00", "\u2028\ufeff\u202e", "\xff\xfe", "null", "\"", "@`", "  ", "é漢🙂",
		strings.Repeat("9", 500), strings.Repeat("1 ", 200),
	} {
		tree := &oneFile{text: shop}
		b := browse(t, tree, page.Options{})
		b.open(edit("spec.workloads[0]"))
		action, values := b.form(buttonOfForm)
		fields := slices.DeleteFunc(slices.Sorted(maps.Keys(values)), func(name string) bool { return strings.HasSuffix(name, ".state") })
		for k, field := range fields {
			if !everything && (i+k)%4 != 0 { // each text in some fields, each field with some texts
				continue
			}
			tree.text = shop
			b.post(action, changedBy(values, field, typed))
			assert.NotContains(t, b.body, "<script>seen")
			assert.NotContains(t, b.body, "<img")
			if b.status == http.StatusUnprocessableEntity {
				_, again := b.form(buttonOfForm)
				if utf8.ValidString(typed) && !strings.Contains(typed, "\x00") { // which HTML cannot hold
					assert.Equal(t, strings.ReplaceAll(typed, "\r\n", "\n"), strings.ReplaceAll(again.Get(field), "\r\n", "\n"), field)
				}
				continue
			}
			require.Equal(t, http.StatusOK, b.status, "%q in %s: %s", typed, field, b.says())
			if strings.Contains(b.says(), "There is no change to save") {
				continue
			}
			b.press("Save into", "save", nil)
			after, err := revise.Rows(yamltext.File{Text: []byte(tree.text)})
			require.NoError(t, err, tree.text)
			require.Len(t, after, len(before))
			for i, row := range after {
				delete(row.Rule, field)
				was := maps.Clone(before[i].Rule)
				delete(was, field)
				assert.Equal(t, was, row.Rule, "%q in %s", typed, field)
			}
		}
	}
}

func changedBy(values url.Values, field, typed string) url.Values {
	changed := maps.Clone(values)
	changed.Set(field, typed)
	changed.Set("do", "save")
	return changed
}
