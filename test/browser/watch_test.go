package browser

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestTheJudgesSee shows the judges pages with one fault each, beside one without.
func TestTheJudgesSee(t *testing.T) {
	const whole = `<!doctype html><html lang="en"><head><meta name="viewport" content="width=device-width"><title>A page</title></head><body><main><h1>A page</h1>BODY</main></body></html>`
	for _, row := range []struct {
		name, body, policy string
		sees               func(tb *tab) []string
		want               string // "" for nothing
	}{
		{name: "nothing", body: `<p>Good. <a href="/">Here</a></p>`, sees: everyJudge},
		{name: "console", body: `<script>console.error("this")</script>`, sees: (*tab).complaints, want: "this"},
		{name: "exception", body: `<script>nobody()</script>`, sees: (*tab).complaints, want: "nobody is not defined"},
		{name: "a file that is not there", body: `<img alt="" src="/missing.png">`, sees: (*tab).complaints, want: "404"},
		{name: "policy", body: `<p style="color: red">Red</p>`, policy: "style-src 'self'", sees: violations, want: "style-src-attr inline"},
		{name: "elsewhere", body: `<img alt="" src="http://127.0.0.1:9/x.png">`, sees: (*tab).outside, want: "http://127.0.0.1:9/x.png"},
		{name: "too wide", body: `<p style="width: 2000px">Wide</p>`, sees: (*tab).overflowing, want: "ends at 2"},
		{name: "wide in a box", body: `<div tabindex="0" role="region" aria-label="Box" style="overflow: auto"><p style="width: 2000px">Wide</p></div>`, sees: (*tab).overflowing},
		{name: "contrast", body: `<p style="color: #aaa; background: #bbb">Pale</p>`, sees: axeColours, want: "color-contrast"},
		{name: "a field without a name", body: `<input>`, sees: axeAll, want: "label: <input>"},
		{name: "a trap", body: `<input aria-label="A" onkeydown="event.preventDefault()"><button>Beyond</button>`, sees: (*tab).reach, want: "not reached: <button>Beyond"},
		{name: "no focus to see", body: `<style>a { outline: none }</style><a href="/b">B</a>`, sees: (*tab).reach, want: `shows no focus: <a href="/b">`},
		{name: "shift", body: `<div id="a"></div><p>Below</p><script>onload = () => setTimeout(() => document.getElementById("a").style.height = "400px", 500)</script>`, sees: shifts, want: "shift"},
	} {
		t.Run(row.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				switch r.URL.Path {
				case "/favicon.ico":
				case "/":
					if row.policy != "" {
						w.Header().Set("Content-Security-Policy", row.policy)
					}
					_, _ = w.Write([]byte(strings.Replace(whole, "BODY", row.body, 1)))
				default:
					http.NotFound(w, r)
				}
			}))
			defer server.Close()
			tb := newTab(t, server.URL)
			tb.open("/")
			seen := row.sees(tb)
			if row.want == "" {
				assert.Empty(t, seen)
				return
			}
			assert.Contains(t, strings.Join(seen, "\n"), row.want)
		})
	}
}

func everyJudge(tb *tab) []string {
	tb.sound("nothing")
	return tb.reach()
}

func axeAll(tb *tab) []string     { return tb.axe(everything) }
func axeColours(tb *tab) []string { return tb.axe(colours) }
func violations(tb *tab) []string { return get[[]string](tb, `seen.violations`) }

func shifts(tb *tab) []string {
	tb.until(`seen.shift > 0.01`)
	return []string{"shift"}
}
