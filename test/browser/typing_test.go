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

// value is an expression for what is typed into the field of the tests.
var value = fmt.Sprintf("document.querySelector(%q).value", inbound)

// asks gives the dialogs that were shown since it was called last.
func (tb *tab) asks() (all []string) {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	all, tb.dialogs = tb.dialogs, nil
	return all
}

// answers says whether whoever is asked stays.
func (tb *tab) answers(stays bool) {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	tb.stays = stays
}

func (tb *tab) untilAsked(kind string) {
	tb.t.Helper()
	var all []string
	require.Eventually(tb.t, func() bool { all = append(all, tb.asks()...); return len(all) > 0 }, patience, patience/100)
	assert.Equal(tb.t, []string{kind}, all)
}

// TestGoingBack asks whoever goes back from a form with something typed, and nobody else.
func TestGoingBack(t *testing.T) {
	tb := newTab(t, asm(t).base)
	tb.editNamespace()
	tb.fill(inbound, "7001\n7999")
	form := tb.url().String()

	tb.answers(true)
	tb.back()
	tb.untilAsked("confirm")
	tb.until(`location.href == ` + quoted(form))
	assert.Equal(t, "7001\n7999", get[string](tb, value), "whoever stays has it still")

	tb.answers(false)
	tb.back()
	tb.untilAsked("confirm")
	tb.untilURL(`u.pathname == "/rules"`)
	tb.until(find("a", "Edit Namespace default"))

	tb.click("a.button", "Edit Namespace default")
	tb.until(`document.querySelector("` + inbound + `")`)
	assert.NotEqual(t, "7001\n7999", get[string](tb, value), "it was given up")
	tb.back()
	tb.untilURL(`u.pathname == "/rules"`)
	assert.Empty(t, tb.asks(), "nothing is lost")
	assert.Empty(t, tb.noted())
}

// news is an expression for whether the page says that the files changed.
const news = `!document.getElementById("news").hidden`

// TestFilesChangeWhileSomebodyTypes leaves what is typed, where the caret is, and says
// that there is something new.
func TestFilesChangeWhileSomebodyTypes(t *testing.T) {
	site := asm(t)
	was := site.specText(t)
	tb := newTab(t, site.base)
	tb.editNamespace()
	tb.fill(inbound, "70")
	require.NoError(t, os.WriteFile(site.spec, []byte(strings.Replace(was, "[7001, 7002, 7005]", "[7001, 7002, 7005, 8888]", 1)), 0o644))
	for n := 0; n < 200 && !get[bool](tb, news); n++ {
		tb.press("1")
	}
	tb.until(news)
	tb.press("9")
	typed := get[string](tb, value)
	assert.Regexp(t, `^701*9$`, typed, "every key")
	assert.True(t, get[bool](tb, `document.activeElement == document.querySelector("`+inbound+`") && document.activeElement.selectionStart == `+fmt.Sprint(len(typed))), "the caret")

	tb.answers(true)
	tb.click("a", "Show the page anew")
	tb.untilAsked("beforeunload")
	assert.Equal(t, typed, get[string](tb, value), "whoever stays has it still")
	tb.answers(false)
	tb.click("a", "Show the page anew")
	tb.untilAsked("beforeunload")
	tb.until(value + `.includes("8888")`)
	assert.Empty(t, tb.noted())
}

// TestTypingWhileThePageIsShownAnew begins to type when what is new is on its way: that
// does not take the place of what is typed.
func TestTypingWhileThePageIsShownAnew(t *testing.T) {
	site := asm(t)
	was := site.specText(t)
	tb := newTab(t, site.base)
	tb.editNamespace()
	get[bool](tb, `(() => {
	const real = window.fetch;
	window.fetch = async (...all) => {
		window.fetching = true;
		const answer = await real(...all);
		await new Promise(done => window.arrive = done);
		return answer;
	};
	return true;
})()`)
	require.NoError(t, os.WriteFile(site.spec, []byte(strings.Replace(was, "[7001, 7002, 7005]", "[7001, 7002, 7005, 8888]", 1)), 0o644))
	tb.until(`window.arrive`)
	get[bool](tb, `(e => { window.refresh = window.arrive; e.focus(); e.select(); return true; })(document.querySelector(`+quoted(inbound)+`))`)
	tb.press("9")
	get[bool](tb, `refresh() || true`)
	tb.until(news)
	assert.Equal(t, "9", get[string](tb, value))
}

// TestManyTabs has more tabs than a browser opens connections: each loads, and each is told
// of what changes.
func TestManyTabs(t *testing.T) {
	site := asm(t)
	was := site.specText(t)
	var tabs []*tab
	for range 8 {
		tb := newTab(t, site.base)
		tb.open("/")
		tb.untilText("192.0.2.0/24")
		require.False(t, get[bool](tb, "document.hidden"))
		tabs = append(tabs, tb)
	}
	tabs[7].click("nav a", "Findings")
	tabs[7].untilURL(`u.pathname == "/findings"`)
	tabs[7].click("nav a", "Workloads")
	require.NoError(t, os.WriteFile(site.spec, []byte(strings.Replace(was, "192.0.2.0/24", "198.51.100.0/24", 1)), 0o644))
	for _, tb := range tabs {
		tb.untilText("198.51.100.0/24")
		assert.Empty(t, tb.noted())
	}
}

// TestWhatIsTheSameStays has files change in what the page does not show: whoever presses a
// button just then presses it.
func TestWhatIsTheSameStays(t *testing.T) {
	site := asm(t)
	tb := newTab(t, site.base)
	tb.editNamespace()
	get[bool](tb, `document.querySelector("form[method=post]").kept = true`)
	files := get[string](tb, `document.getElementById("state").dataset.files`)
	manifest := site.folder + "/base/orders.yaml"
	text, err := os.ReadFile(manifest)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(manifest, append(text, "# more\n"...), 0o644))
	tb.until(`document.getElementById("state").dataset.files != ` + quoted(files))
	assert.True(t, get[bool](tb, `!!document.querySelector("form[method=post]").kept`))
}

// TestTypingChoosesTheEntries: the buttons beside the entries say what the server makes of
// them, and what somebody chooses afterwards stays.
func TestTypingChoosesTheEntries(t *testing.T) {
	tb := newTab(t, asm(t).base)
	tb.open("/rules")
	tb.editNamespace()
	const chosen = `document.querySelector("[name='excludeOutboundPorts.state']:checked").value`
	require.Equal(t, "unset", get[string](tb, chosen))
	tb.fill("#f-excludeOutboundPorts", "3306")
	tb.until(chosen + ` == "list"`)
	tb.click("label:has([name='excludeOutboundPorts.state'])", "none")
	time.Sleep(time.Second) // what is asked for while typing has been answered
	assert.Equal(t, "none", get[string](tb, chosen))
	assert.Empty(t, tb.noted())
}
