package page_test

import (
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/cmd/krm-bypass/page"
)

// odd are characters that hide others, or turn their direction.
var odd = regexp.MustCompile(`[\x00-\x08\x0b-\x1f\x7f\x{80}-\x{9f}\x{202a}-\x{202e}\x{2066}-\x{2069}]`)

// oddly puts such characters into all that somebody writes freely.
func oddly(text string) string {
	return strings.NewReplacer(`reason: "the <b>cloud's</b> metadata", owner: platform`, `reason: "pay\u202Elliw\e[31m", owner: "o\u2066x"`,
		"reason: REASON, owner: platform", `reason: "pay\u202Elliw\e[31m", owner: "o\u2066x"`,
		"name: web,", `name: "w\u202Eeb",`, "name: web0,", `name: "w\u202Eeb",`).Replace(text)
}

// TestWhatHidesOthersIsVisible: in each view, and in the one file.
func TestWhatHidesOthersIsVisible(t *testing.T) {
	b := browse(t, seeWithSpec(t, oddly(seeSpec), oddly(seeManifests)), page.Options{})
	of := url.QueryEscape("apps/v1/Deployment/shop/w\u202eeb/")
	for at, says := range map[string]string{
		"/": `w\u202eeb`, "/workload?of=" + of: `pay\u202elliw\x1b[31m`, "/rules?wait=1": `pay\u202elliw\x1b[31m`, "/findings": "", "/connection?at=10.1.2.3:80": `w\u202eeb`,
	} {
		b.open(at)
		assert.Empty(t, odd.FindString(regexp.MustCompile(` value="[^"]*"`).ReplaceAllString(b.body, "")), at)
		assert.Contains(t, b.says(), says, at)
	}
	file := asFile(t, explainedFile(t, oddly(fileSpec), oddly(workloads(3, 2, ""))))
	assert.Empty(t, odd.FindString(file))
	assert.Contains(t, file, `pay\u202elliw\x1b[31m`)
	assert.Contains(t, file, `o\u2066x`)
	assert.Contains(t, file, `w\u202eeb`)
}

// TestFormsKeepWhatIsNotVisible: what a form shows is what it sends.
func TestFormsKeepWhatIsNotVisible(t *testing.T) {
	file := &oneFile{text: strings.Replace(shop, "spec:\n", "spec:\n  # before\n", 1)}
	file.text = strings.Replace(file.text, "  global:\n", "  global:\n    reason: \"pay\\u202Elliw\"\n    owner: \"o\\u2066x\"\n", 1)
	b := browse(t, file, page.Options{})
	b.open("/rules/edit?of=spec.global")
	require.Contains(t, b.body, "pay\u202elliw</textarea>")
	require.Contains(t, b.body, "value=\"o\u2066x\"")
	b.press(buttonOfForm, "save", map[string]string{"excludeOutboundPorts": "3307"})
	assert.NotContains(t, b.body, "\u202e")
	b.press(`value="save"`, "save", nil)
	assert.Contains(t, file.text, "reason: \"pay\\u202Elliw\"\n    owner: \"o\\u2066x\"\n", "nobody changed it")
	assert.Contains(t, file.text, "3307")
}
