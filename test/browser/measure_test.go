package browser

import (
	"bytes"
	"compress/gzip"
	"flag"
	"fmt"
	"slices"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

var measure = flag.Int("measure", 0, "measure the page for 5,000 workloads, this often")

// TestMeasure prints how long the page takes for 5,000 workloads, where -measure says
// so; make bench does. Times are those of the browser: from the click, or the key, to
// the frame that shows what came of it.
func TestMeasure(t *testing.T) {
	if *measure == 0 {
		return // a test asserts no times
	}
	folder := generated(t, size{namespaces: 100, workloads: 5_000})
	taken := map[string][]float64{}
	var order []string
	note := func(what string, milliseconds float64) {
		if taken[what] == nil {
			order = append(order, what)
		}
		taken[what] = append(taken[what], milliseconds)
	}
	for range *measure {
		site := serve(t, folder, ".")
		tb := newTab(t, site.base)
		note("just started: first content", site.first.content)
		note("just started: first rows", site.first.rows)
		note("just started: complete", site.first.complete)
		tb.open("/")
		note("first rows, again", tb.shown().rows)
		for _, view := range []string{"/", "/findings", "/rules", "/connection"} {
			note("first content, "+view, tb.firstContent(view))
		}
		tb.open("/")
		note("filter by a text", tb.taking(func() { tb.press("9") }, `document.activeElement?.name == "text" || document.querySelector("input[type=search]").focus()`))
		tb.open("/")
		note("next page", tb.taking(func() { tb.click("a", "Next") }, "true"))
		note("open a workload", tb.taking(func() { tb.click("main th a, main td a", "") }, "true"))
	}
	for _, what := range order {
		slices.Sort(taken[what])
		fmt.Printf("page: %-28s %7.0f ms (median of %d, %.0f to %.0f)\n", what, taken[what][*measure/2], *measure, taken[what][0], taken[what][*measure-1])
	}
	site := serve(t, folder, ".")
	tb := newTab(t, site.base)
	tb.open("/")
	for _, path := range []string{"/", "/assets/page.css", "/assets/page.js"} {
		text := []byte(get[string](tb, `fetch(`+quoted(path)+`).then(r => r.text())`))
		fmt.Printf("page: %-28s %7.1f KB, %.1f KB by gzip\n", "weight of "+path, float64(len(text))/1000, float64(zipped(t, text))/1000)
	}
}

func zipped(t *testing.T, text []byte) int {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, err := w.Write(text)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return out.Len()
}

// firstContent opens a page, and gives the milliseconds until it shows something.
func (tb *tab) firstContent(path string) float64 {
	tb.t.Helper()
	tb.do(chromedp.Navigate("about:blank"))
	tb.open(path)
	return tb.shown().content
}

// shown are the milliseconds from asking for a page until it shows something, until it
// shows rows of a table (0 if it has none), and until all of it is there.
type shown struct{ content, rows, complete float64 }

// shown says how long the page took.
func (tb *tab) shown() shown {
	tb.t.Helper()
	const paint, whole = `performance.getEntriesByName("first-contentful-paint")[0]`, `performance.getEntriesByType("navigation")[0]`
	tb.until(paint + ` && ` + whole + `.loadEventEnd && (seen.rows || !document.querySelector("main tbody"))`)
	return shown{get[float64](tb, paint+".startTime"), get[float64](tb, "seen.rows"), get[float64](tb, whole+".loadEventEnd")}
}

// taking gives the milliseconds from the key or the click in what act does to the frame
// that shows the next change of the view.
func (tb *tab) taking(act func(), ready string) float64 {
	tb.t.Helper()
	get[bool](tb, `(() => {
	`+ready+`;
	let began = 0;
	window.took = 0;
	for (const kind of ["keydown", "pointerdown"]) addEventListener(kind, e => began = e.timeStamp, {capture: true, once: true});
	new MutationObserver((_, watch) => {
		if (!began || took) return;
		watch.disconnect();
		requestAnimationFrame(() => { const c = new MessageChannel(); c.port1.onmessage = () => took = performance.now() - began; c.port2.postMessage(0); });
	}).observe(document.getElementById("main"), {childList: true, subtree: true});
	return true;
})()`)
	act()
	tb.until(`window.took`)
	return get[float64](tb, `took`)
}
