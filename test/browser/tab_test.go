package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"
)

// A tab of the browser, and what the browser said about what it shows.
type tab struct {
	t    testing.TB
	ctx  context.Context
	base string // of the site, without a slash at its end
	// script says whether the page's own script runs.
	script bool

	mu sync.Mutex
	// said is what stood in the console, errors of the network and violations of the
	// policy among it.
	said []string
	// asked are the URLs of all requests.
	asked []string
	// document is the URL of the last one, status that of its answer.
	document string
	status   int64
	// dialogs are what it asked before something typed is lost; stays is the answer.
	dialogs []string
	stays   bool
}

const patience = 10 * time.Second

// newTab opens a tab that has 1440 × 900 pixels, on a site or on "" for none.
func newTab(t testing.TB, base string) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(chromium)
	t.Cleanup(cancel)
	tb := &tab{t: t, ctx: ctx, base: strings.TrimSuffix(base, "/"), script: true}
	require.NoError(t, chromedp.Listen(ctx, tb.listen))
	command(tb, network.Enable, network.EnableParams{})
	command(tb, log.Enable, cdp.Empty{})
	command(tb, page.Enable, page.EnableParams{})
	command(tb, runtime.Enable, cdp.Empty{})
	command(tb, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
	command(tb, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: watch})
	tb.width(1440)
	return tb
}

// watch runs before the page: what it notes, report reads.
const watch = `window.seen = {shift: 0, rows: 0, moved: [], violations: []};
const rows = new MutationObserver(() => { if (document.querySelector("main tbody")?.checkVisibility()) { rows.disconnect(); requestAnimationFrame(() => { const c = new MessageChannel(); c.port1.onmessage = () => seen.rows = performance.now(); c.port2.postMessage(0); }); } });
rows.observe(document, {childList: true, subtree: true});
addEventListener("securitypolicyviolation", e => seen.violations.push(e.violatedDirective + " " + e.blockedURI + " " + e.sample));
new PerformanceObserver(l => { for (const e of l.getEntries()) if (!e.hadRecentInput) { seen.shift += e.value; seen.moved.push(...e.sources.map(s => s.node?.outerHTML?.slice(0, 80) ?? s.node?.data)); } }).observe({type: "layout-shift", buffered: true});`

func (tb *tab) listen(event any) {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		for _, a := range e.Args {
			tb.said = append(tb.said, fmt.Sprintf("console.%s: %s", e.Type, a.Value))
		}
	case *runtime.EventExceptionThrown:
		tb.said = append(tb.said, (&chromedp.ExceptionError{ExceptionDetails: e.ExceptionDetails}).Error())
	case *log.EventEntryAdded:
		tb.said = append(tb.said, fmt.Sprintf("%s %s: %s %s", e.Entry.Source, e.Entry.Level, e.Entry.Text, e.Entry.URL))
	case *page.EventJavascriptDialogOpening:
		tb.dialogs = append(tb.dialogs, string(e.Type))
		accept := !tb.stays
		go func() { // it is answered while events go on
			_, _ = chromedp.Call(tb.ctx, page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{Accept: accept})
		}()
	case *network.EventRequestWillBeSent:
		tb.asked = append(tb.asked, e.Request.URL)
	case *network.EventResponseReceived:
		if e.Type == network.ResourceTypeDocument {
			tb.document, tb.status = e.Response.URL, e.Response.Status
		}
	}
}

// do carries out an action, which has to succeed in time.
func (tb *tab) do(action chromedp.Action[chromedp.Void]) {
	tb.t.Helper()
	ctx, cancel := context.WithTimeout(tb.ctx, 3*patience)
	defer cancel()
	require.NoError(tb.t, chromedp.Do(ctx, action))
}

// command sends a command of the protocol, which has to succeed in time.
func command[P, R any](tb *tab, what cdp.Command[P, R], parameters P) R {
	tb.t.Helper()
	ctx, cancel := context.WithTimeout(tb.ctx, 3*patience)
	defer cancel()
	result, err := chromedp.Call(ctx, what, parameters)
	require.NoError(tb.t, err)
	return result
}

// withoutScript turns the page's script off for what is opened from now on.
func (tb *tab) withoutScript() *tab {
	command(tb, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	tb.script = false
	return tb
}

func (tb *tab) width(pixels int64) {
	tb.t.Helper()
	tb.resize(pixels, 900)
}

func (tb *tab) resize(width, height int64) {
	tb.t.Helper()
	command(tb, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: height, DeviceScaleFactor: 1})
}

func (tb *tab) scheme(name string) {
	tb.t.Helper()
	command(tb, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}}})
}

// open shows a URL of the site, or a whole one.
func (tb *tab) open(to string) {
	tb.t.Helper()
	if !strings.Contains(to, "://") {
		to = tb.base + to
	}
	tb.do(chromedp.Navigate(to))
}

// try gives what an expression comes to. It runs where the page's script is off, too.
func try[T any](tb *tab, expression string) (T, error) {
	ctx, cancel := context.WithTimeout(tb.ctx, 3*patience)
	defer cancel()
	return chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}

// get is try that has to succeed.
func get[T any](tb *tab, expression string) T {
	tb.t.Helper()
	got, err := try[T](tb, expression)
	require.NoError(tb.t, err, expression)
	return got
}

func quoted(text string) string {
	out, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	return string(out)
}

// until waits for an expression to be true: pages load, and fragments come, when they do.
func (tb *tab) until(expression string) {
	tb.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		// A page that is going away answers with an error.
		if holds, err := try[bool](tb, `document.readyState == "complete" && !!(`+expression+`)`); err == nil && holds {
			return
		}
	}
	text := strings.Join(strings.Fields(tb.text("main")), " ")
	tb.t.Fatalf("it did not come to this: %s\nat %s, which shows: %.1500s", expression, tb.url(), text)
}

// untilText waits for the page to show a text.
func (tb *tab) untilText(text string) {
	tb.t.Helper()
	tb.until(`document.body.innerText.includes(` + quoted(text) + `)`)
}

// untilURL waits for the path and query to be as wanted by an expression of u, a URL.
func (tb *tab) untilURL(condition string) {
	tb.t.Helper()
	tb.until(`(u => ` + condition + `)(new URL(location))`)
}

func (tb *tab) url() *url.URL {
	tb.t.Helper()
	u, err := url.Parse(get[string](tb, "location.href"))
	require.NoError(tb.t, err)
	return u
}

// text gives what the first element that a selector finds shows, "" for none.
func (tb *tab) text(selector string) string {
	tb.t.Helper()
	return get[string](tb, `document.querySelector(`+quoted(selector)+`)?.innerText ?? ""`)
}

func (tb *tab) count(selector string) int {
	tb.t.Helper()
	return get[int](tb, `document.querySelectorAll(`+quoted(selector)+`).length`)
}

// find is an expression for the first visible element that a selector finds and whose
// text, or name for those who do not see it, holds a text.
func find(selector, text string) string {
	return `[...document.querySelectorAll(` + quoted(selector) + `)].find(e => e.checkVisibility() && (e.innerText + " " + (e.getAttribute("aria-label") ?? "") + " " + (e.value ?? "")).replace(/\s+/g, " ").includes(` + quoted(text) + `))`
}

// click presses the pointer on an element that shows a text, wherever it is.
func (tb *tab) click(selector, text string) {
	tb.t.Helper()
	tb.until(find(selector, text))
	at := get[[]float64](tb, `(e => { e.scrollIntoView({block: "center", behavior: "instant"}); const r = e.getClientRects()[0]; return [r.x + r.width / 2, r.y + r.height / 2]; })(`+find(selector, text)+`)`)
	tb.do(chromedp.MouseClickXY(at[0], at[1]))
}

// fill replaces what stands in a field.
func (tb *tab) fill(selector, text string) {
	tb.t.Helper()
	tb.until(`document.querySelector(` + quoted(selector) + `)`)
	get[bool](tb, `(e => { e.scrollIntoView({block: "center", behavior: "instant"}); e.focus(); e.select(); return true; })(document.querySelector(`+quoted(selector)+`))`)
	if text == "" {
		tb.press(kb.Delete)
		return
	}
	command(tb, input.InsertText, input.InsertTextParams{Text: text})
}

// press presses keys, as the keyboard sends them.
func (tb *tab) press(keys string) {
	tb.t.Helper()
	tb.do(chromedp.KeyEvent(keys))
}

// outside gives the requests that went elsewhere than to the site.
func (tb *tab) outside() []string {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	var out []string
	for _, one := range tb.asked {
		if tb.base != "" && strings.HasPrefix(one, tb.base+"/") || one == "about:blank" {
			continue
		}
		out = append(out, one)
	}
	return out
}

// complaints gives what the browser said, and forgets it. That a page has the status
// of a refusal is no complaint.
func (tb *tab) complaints() []string {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	status := fmt.Sprintf("with a status of %d ", tb.status)
	said := slices.DeleteFunc(tb.said, func(one string) bool {
		return tb.status >= 400 && strings.Contains(one, status) && strings.HasSuffix(one, tb.document)
	})
	tb.said = nil
	return said
}

// sound holds the page that is shown to all judges: no word in the console, no
// violation of the policy, no request elsewhere, nothing that jumps, nothing that axe
// finds, and no line that has to be scrolled to be read, by light and by dark, wide and
// narrow.
func (tb *tab) sound(what string) {
	tb.t.Helper()
	var faults []string
	add := func(where string, found []string) {
		for _, one := range found {
			faults = append(faults, where+": "+one)
		}
	}
	for _, width := range slices.Sorted(maps.Keys(widths)) {
		tb.width(width)
		where := fmt.Sprintf("%d pixels", width)
		add(where, tb.overflowing())
		if rules := widths[width]; rules != "" && tb.script { // axe is a script
			add(where, tb.axe(rules))
		}
	}
	if tb.script {
		tb.scheme("dark")
		add("dark", tb.axe(colours))
		tb.scheme("light")
	}
	add("noted", tb.noted())
	if len(faults) > 0 {
		tb.t.Errorf("%s, %s:\n%s", what, tb.url(), strings.Join(faults, "\n"))
	}
}

// noted gives what the browser found by itself, and forgets it.
func (tb *tab) noted() []string {
	tb.t.Helper()
	all := append(tb.complaints(), tb.outside()...)
	if tb.script {
		all = append(all, get[[]string](tb, `seen.violations.splice(0)`)...)
		if shift := get[float64](tb, `seen.shift`); shift > 0.01 { // the line of a message is more
			all = append(all, fmt.Sprintf("the layout shifts by %.3f: %s", shift, get[[]string](tb, `seen.moved`)))
		}
	}
	return all
}

// overflowing gives what makes the page scroll to the side.
func (tb *tab) overflowing() []string {
	tb.t.Helper()
	return get[[]string](tb, `(() => {
	const width = document.documentElement.clientWidth;
	if (document.documentElement.scrollWidth <= width) return [];
	const inBox = e => { for (e = e.parentElement; e && e != document.body; e = e.parentElement) if (getComputedStyle(e).overflowX != "visible") return true; };
	return [...document.body.querySelectorAll("*")].filter(e => e.getBoundingClientRect().right > width + 1 && !inBox(e)).slice(0, 3)
		.map(e => e.outerHTML.slice(0, 100) + " ends at " + e.getBoundingClientRect().right).concat("scrolls to " + document.documentElement.scrollWidth);
})()`)
}

// Which rules of axe run: all, those that depend on the colours, those on the width.
const (
	everything = `{rules: {"target-size": {enabled: true}}}`
	colours    = `{runOnly: ["color-contrast", "link-in-text-block"]}`
	narrow     = `{runOnly: ["color-contrast", "target-size", "scrollable-region-focusable", "aria-hidden-focus"]}`
)

// widths are those at which a page is judged, and the rules of axe for each.
var widths = map[int64]string{360: narrow, 1024: "", 1440: everything}

// axe gives what axe-core finds, a line each.
func (tb *tab) axe(options string) []string {
	tb.t.Helper()
	get[bool](tb, axeCore+`;true`)
	return get[[]string](tb, `axe.run(document, Object.assign({resultTypes: ["violations"], preload: false}, `+options+`)).then(r =>
	r.violations.flatMap(v => v.nodes.slice(0, 3).map(n => v.id + ": " + n.html.slice(0, 200) + ": " + n.any.concat(n.all, n.none).map(c => c.message).join("; "))))`)
}

// reach walks through the page with the Tab key from its beginning, and gives what can
// be operated but was not reached, and what was reached but shows no focus.
func (tb *tab) reach() []string {
	tb.t.Helper()
	steps := get[int](tb, `(() => {
	const all = [...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']")]
		.filter(e => e.checkVisibility({visibilityProperty: true}) && !e.disabled && !e.closest("[inert]") && e.tabIndex >= 0);
	// Of radio buttons of one name the Tab key reaches one, and arrows the others.
	window.missing = new Set(all.filter(e => e.type != "radio"));
	window.unseen = [];
	const style = e => { const s = getComputedStyle(e); return [s.outlineStyle == "none" ? "" : s.outlineWidth + s.outlineColor, s.boxShadow, s.borderColor, s.backgroundColor, s.textDecorationLine].join("|"); };
	window.before = new Map(all.map(e => [e, style(e)]));
	document.activeElement?.blur();
	getSelection().setPosition(document.body, 0);
	window.arrived = e => { // the page's script, and its events, may be off
		missing.delete(e);
		if (before.get(e) == style(e)) unseen.push("shows no focus: " + e.outerHTML.slice(0, 120));
		return missing.size == 0;
	};
	return all.length + 20;
})()`)
	for range steps {
		tb.press(kb.Tab)
		if get[bool](tb, `arrived(document.activeElement)`) {
			break
		}
	}
	return get[[]string](tb, `[...missing].map(e => "not reached: " + e.outerHTML.slice(0, 120)).concat(unseen)`)
}

// back goes one page back, forward the other way. They wait for nothing: a page that was
// kept is not loaded again.
func (tb *tab) back()    { tb.t.Helper(); tb.travel(-1) }
func (tb *tab) forward() { tb.t.Helper(); tb.travel(1) }

func (tb *tab) travel(by int64) {
	tb.t.Helper()
	history := command(tb, page.GetNavigationHistory, cdp.Empty{})
	command(tb, page.NavigateToHistoryEntry, page.NavigateToHistoryEntryParams{EntryID: history.Entries[history.CurrentIndex+by].ID})
}
