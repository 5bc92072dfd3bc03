package browser

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// auto serves the golden of a finding that an object mends.
func auto(t testing.TB) *site {
	t.Helper()
	folder := t.TempDir()
	for from, to := range map[string]string{"spec.yaml": "bypass.yaml", "input.yaml": "manifests.yaml"} {
		text, err := os.ReadFile(filepath.Join(repository, "testdata/golden/lint/lint-auto-mtls", from))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(folder, to), text, 0o644))
	}
	return serve(t, folder, "manifests.yaml")
}

// TestAnObjectIsCopied copies what mends a finding: into the clipboard, and where the
// browser gives none, as it does to pages of other machines, by a selection. With script
// off there is no button, and the text is there.
func TestAnObjectIsCopied(t *testing.T) {
	site := auto(t)
	const pre = `document.querySelector(".finding pre")`
	tb := newTab(t, site.base)
	tb.open("/findings")
	tb.sound("findings with an object")
	get[bool](tb, `(Object.defineProperty(navigator, "clipboard", { configurable: true, value: { writeText: async (text) => { window.copied = text; } } }), true)`)
	tb.click(".finding button", "Copy what mends it")
	tb.untilText("Copied")
	assert.Equal(t, get[string](tb, pre+".textContent"), get[string](tb, "window.copied"))
	assert.Contains(t, get[string](tb, "window.copied"), "kind: PeerAuthentication")
	assert.False(t, get[bool](tb, `document.querySelector(".finding details").open`))
	tb.until(`document.querySelector("[data-copy]").innerText == "Copy what mends it"`)

	get[bool](tb, `(Object.defineProperty(navigator, "clipboard", { value: undefined }), true)`)
	tb.click(".finding button", "Copy what mends it")
	tb.until(`getSelection().toString().trim() == ` + pre + `.textContent.trim()`)
	assert.Empty(t, tb.noted())

	off := newTab(t, site.base).withoutScript()
	off.open("/findings")
	assert.Equal(t, "none", get[string](off, `getComputedStyle(document.querySelector("[data-copy]")).display`))
	off.click(".finding summary", "What mends it")
	assert.Contains(t, off.text(".finding pre"), "kind: PeerAuthentication")
}

// TestAMendIsOnePress removes an expired rule from the page of findings.
func TestAMendIsOnePress(t *testing.T) {
	withAndWithout(t, func(t *testing.T, tab func(*site) *tab) {
		site := serve(t, copied(t, "reviewing/after"), ".", "--now", "2026-11-28")
		was := site.specText(t)
		tb := tab(site)
		tb.open("/findings")
		tb.click(".finding button", "Remove the rule")
		tb.untilURL(`u.pathname == "/save"`)
		tb.untilText("10.20.0.0/16")
		assert.Equal(t, was, site.specText(t), "nothing is written before it is saved")
		tb.click("button", "Save into")
		tb.untilText("Saved")
		assert.NotContains(t, site.specText(t), "10.20.0.0/16")
		tb.click("button", "Take it back")
		tb.untilText("Take back what was saved")
		tb.click("button", "Take it back in")
		tb.untilText("Taken back")
		assert.Equal(t, was, site.specText(t))
		assert.Empty(t, tb.noted())
	})
}
