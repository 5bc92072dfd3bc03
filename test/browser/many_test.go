package browser

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestMany has 2,000 workloads in 60 namespaces: the server pages and filters, and the
// browser never holds them all.
func TestMany(t *testing.T) {
	folder := generated(t, size{namespaces: 60, workloads: 2_000})
	many := serve(t, folder, ".")
	withAndWithout(t, func(t *testing.T, tab func(*site) *tab) {
		tb := tab(many)
		tb.open("/")
		tb.until(listed("billing-03"))
		first := tb.count(rows)
		assert.LessOrEqual(t, first, 150)
		if tb.script {
			tb.sound("many")
		}

		tb.click("a", "Next")
		tb.until(`location.search && !` + listed("billing-03"))
		tb.back()
		tb.until(listed("billing-03"))

		tb.fill("input[type=search]", "ledger-gateway")
		if !tb.script {
			tb.press("\r")
		}
		tb.until(`location.search.includes("ledger-gateway") && [...document.querySelectorAll("` + rows + `")].every(r => r.innerText.includes("ledger-gateway"))`)
		assert.Positive(t, tb.count(rows))
		assert.Equal(t, "ledger-gateway", get[string](tb, `document.querySelector("input[type=search]").value`))

		// What the address bar says is the whole state.
		again := newTab(t, many.base)
		again.open(strings.TrimPrefix(tb.url().String(), many.base))
		assert.Equal(t, tb.text("main table"), again.text("main table"))

		tb.click(rows+" a", "ledger-gateway")
		tb.untilURL(`u.pathname == "/workload"`)
		tb.untilText("192.0.2.0/24")
		assert.Empty(t, tb.noted())
	})
}

// rows are those of workloads.
const rows = "main tbody tr:has(a[href*='/workload'])"

// listed is an expression for whether the table of workloads shows a text.
func listed(text string) string {
	return `document.querySelector("main table").innerText.includes(` + quoted(text) + `)`
}

// TestFilesThatChange shows what another program did to the files, and keeps what was
// typed.
func TestFilesThatChange(t *testing.T) {
	site := asm(t)
	was := site.specText(t)
	looks, types := newTab(t, site.base), newTab(t, site.base)
	looks.open("/")
	looks.untilText("192.0.2.0/24")
	types.editNamespace()
	types.fill(inbound, "7001\n7999")

	require.NoError(t, os.WriteFile(site.spec, []byte(strings.Replace(was, "192.0.2.0/24", "198.51.100.0/24", 1)), 0o644))
	looks.untilText("198.51.100.0/24")
	types.untilText("changed")
	assert.Equal(t, "7001\n7999", get[string](types, fmt.Sprintf("document.querySelector(%q).value", inbound)))
	assert.Empty(t, looks.noted())
	assert.Empty(t, types.noted())

	// A file that vanishes is said, and no end of the page.
	require.NoError(t, os.RemoveAll(site.folder+"/base"))
	looks.untilText("base")
	looks.open("/")
	looks.untilText("no such file")
	looks.sound("nothing there")
}

// TestLeaving asks before what was typed is lost, and only then.
func TestLeaving(t *testing.T) {
	tb := newTab(t, asm(t).base)
	tb.open("/rules")
	tb.editNamespace()
	was := get[string](tb, value)
	tb.fill(inbound, "7001\n7999")
	tb.answers(true)
	tb.click("nav a", "Findings")
	tb.untilAsked("beforeunload")
	assert.Equal(t, "7001\n7999", get[string](tb, value), "whoever stays has it still")

	tb.fill(inbound, was)
	tb.click("nav a", "Findings")
	tb.untilURL(`u.pathname == "/findings"`)
	assert.Empty(t, tb.asks(), "what is as before is no loss")

	tb.editNamespace()
	tb.fill(inbound, "7001\n7999")
	tb.click("button", "Review and save")
	tb.untilURL(`u.pathname == "/save"`)
	assert.Empty(t, tb.asks(), "what is sent is no loss")
	assert.Empty(t, tb.noted())
}

// TestTypingWhileAnswersAreSlow types into a filter, faster than answers come: what is
// typed stays, and so does the focus.
func TestTypingWhileAnswersAreSlow(t *testing.T) {
	tb := newTab(t, reviewing(t).base)
	tb.open("/")
	get[bool](tb, `(() => {
	const real = window.fetch;
	window.fetch = async (url, how) => {
		const answer = await real(url, how);
		await new Promise((done, failed) => {
			how?.signal?.addEventListener("abort", () => failed(new DOMException("", "AbortError")));
			setTimeout(done, 300);
		});
		return answer;
	};
	window.same = true;
	document.querySelector("input[type=search]").focus();
	return true;
})()`)
	for _, key := range "checkout" {
		tb.press(string(key))
		time.Sleep(60 * time.Millisecond)
	}
	tb.until(`location.search.includes("checkout")`)
	assert.True(t, get[bool](tb, `window.same === true`), "the page was loaded anew")
	assert.Equal(t, "checkout", get[string](tb, `document.activeElement.value`))
	assert.Equal(t, 1, tb.count(rows))
	assert.Empty(t, tb.noted())
}
