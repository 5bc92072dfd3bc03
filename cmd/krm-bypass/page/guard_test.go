package page_test

import (
	"bytes"
	"context"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/cmd/krm-bypass/page"
)

// guarded is a site behind its guard, and the cookie of somebody who has opened it.
func guarded(t *testing.T) (*page.Guard, *http.Cookie) {
	t.Helper()
	guard := page.NewGuard(page.New(emptyTree{}, page.Options{}), []string{"127.0.0.1:8080", "[::1]:8080", "localhost:8080"}, "8080")
	answer := answerOf(guard, http.MethodGet, "/?token="+guard.Token(), nil)
	require.Equal(t, http.StatusSeeOther, answer.Code, answer.Body)
	require.Len(t, answer.Result().Cookies(), 1)
	return guard, answer.Result().Cookies()[0]
}

func answerOf(guard http.Handler, method, target string, change func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://127.0.0.1:8080"+target, nil)
	r.Host = "127.0.0.1:8080"
	if change != nil {
		change(r)
	}
	answer := httptest.NewRecorder()
	guard.ServeHTTP(answer, r)
	return answer
}

// TestWhoMaySeeThePage asks as those do who must not see it, and as those who may.
func TestWhoMaySeeThePage(t *testing.T) {
	guard, cookie := guarded(t)
	head := func(pairs ...string) func(*http.Request) {
		return func(r *http.Request) {
			r.AddCookie(cookie)
			for i := 0; i < len(pairs); i += 2 {
				r.Header.Set(pairs[i], pairs[i+1])
			}
		}
	}
	called := func(host string) func(*http.Request) {
		return func(r *http.Request) { r.AddCookie(cookie); r.Host = host }
	}
	with := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.AddCookie(&http.Cookie{Name: name, Value: value}) }
	}
	for name, test := range map[string]struct {
		method, target string
		change         func(*http.Request)
		status         int
		says           string
	}{
		"who has opened it":                     {"GET", "/", head(), 200, ""},
		"by the other name":                     {"GET", "/", called("localhost:8080"), 200, ""},
		"by a name in capitals":                 {"GET", "/", called("LOCALHOST:8080"), 200, ""},
		"by IPv6":                               {"GET", "/", called("[::1]:8080"), 200, ""},
		"whose link another site has":           {"GET", "/", head("Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"), 200, ""},
		"the page's own script":                 {"GET", "/", head("Sec-Fetch-Site", "same-origin", "Sec-Fetch-Mode", "cors"), 200, ""},
		"without a token":                       {"GET", "/", nil, 401, "Open the address"},
		"with a wrong token":                    {"GET", "/?token=x", nil, 401, "Open the address"},
		"with a stolen address":                 {"GET", "/?token=" + guard.Token(), nil, 401, "used already"},
		"with a stolen address that is posted":  {"POST", "/save?token=" + guard.Token(), nil, 401, "used already"},
		"with a cookie of another run":          {"GET", "/", with("krm-bypass-8080-AAAAAA", cookie.Value), 401, "Open the address"},
		"with a wrong cookie":                   {"GET", "/", with(cookie.Name, "x"), 401, "Open the address"},
		"with the token for a cookie":           {"GET", "/", with(cookie.Name, guard.Token()), 401, "Open the address"},
		"by a name that resolves to here":       {"GET", "/", called("attacker.example:8080"), 421, "not served under that name"},
		"by our name with another port":         {"GET", "/", called("127.0.0.1:8081"), 421, "not served under that name"},
		"by our name without a port":            {"GET", "/", called("127.0.0.1"), 421, "not served under that name"},
		"by a name that ends as ours":           {"GET", "/", called("x.localhost:8080"), 421, "not served under that name"},
		"a token under another name":            {"GET", "/?token=" + guard.Token(), called("attacker.example:8080"), 421, "not served under that name"},
		"another site's post":                   {"POST", "/save", head("Sec-Fetch-Site", "cross-site", "Origin", "http://attacker.example"), 403, "Another site"},
		"a post of another port":                {"POST", "/save", head("Sec-Fetch-Site", "same-site", "Origin", "http://127.0.0.1:9090"), 403, "Another site"},
		"a post of an old browser":              {"POST", "/save", head("Origin", "http://attacker.example"), 403, "Another site"},
		"a post of a sandboxed frame":           {"POST", "/save", head("Origin", "null"), 403, "Another site"},
		"a request of a script of another port": {"GET", "/", head("Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "no-cors"), 403, "Another site"},
		"a picture of another site":             {"GET", "/", head("Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "image"), 403, "Another site"},
		"a frame of another site":               {"GET", "/", head("Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "iframe"), 403, "Another site"},
		"a read with another origin":            {"GET", "/", head("Origin", "http://attacker.example"), 403, "Another site"},
		"a style sheet without a cookie":        {"GET", "/assets/page.css", nil, 401, "Open the address"},
		"the news without a cookie":             {"GET", "/events?since=1", nil, 401, "Open the address"},
		"a file beside the assets":              {"GET", "/assets/..%2f..%2fgo.mod", head(), 404, ""},
		"what is not there":                     {"GET", "/none", head(), 404, ""},
		"a change by GET":                       {"DELETE", "/save", head(), 405, ""},
		"a draft that is not there":             {"GET", "/?draft=none", head(), 410, "this draft is gone"},
		"something that is no form":             {"POST", "/rules/edit", head("Content-Type", "text/plain"), 415, "no form"},
	} {
		t.Run(name, func(t *testing.T) {
			answer := answerOf(guard, test.method, test.target, func(r *http.Request) {
				if test.status == 415 {
					*r = *httptest.NewRequest(test.method, "http://127.0.0.1:8080"+test.target, strings.NewReader("a=b"))
				}
				if test.change != nil {
					test.change(r)
				}
			})
			assert.Equal(t, test.status, answer.Code, answer.Body)
			assert.Contains(t, answer.Body.String(), test.says)
			assert.NotContains(t, answer.Body.String(), "<script>alert")
			h := answer.Result().Header
			assert.Equal(t, "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'", h.Get("Content-Security-Policy"))
			for key, value := range map[string]string{
				"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "Cache-Control": "no-store",
				"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
			} {
				assert.Equal(t, value, h.Get(key), key)
			}
			assert.Empty(t, answer.Result().Cookies(), "the cookie is given once")
		})
	}
}

func TestTheAddressBecomesACookie(t *testing.T) {
	guard := page.NewGuard(page.New(emptyTree{}, page.Options{}), []string{"127.0.0.1:8080"}, "8080")
	answer := answerOf(guard, http.MethodGet, "//attacker.example/rules?token="+guard.Token()+"&of=x", nil)
	require.Equal(t, http.StatusSeeOther, answer.Code)
	assert.Equal(t, "/attacker.example/rules?of=x", answer.Header().Get("Location"), "without the token, and here")
	cookie := answer.Result().Cookies()[0]
	assert.Regexp(t, `^krm-bypass-8080-[A-Z2-7]{6}$`, cookie.Name)
	assert.True(t, cookie.HttpOnly)
	assert.Equal(t, http.SameSiteStrictMode, cookie.SameSite)
	assert.NotEqual(t, guard.Token(), cookie.Value)
	other := page.NewGuard(nil, nil, "8080")
	assert.NotEqual(t, guard.Token(), other.Token())
}

// TestFormsAreReadWhole has nothing be changed by a part of a form.
func TestFormsAreReadWhole(t *testing.T) {
	guard, cookie := guarded(t)
	var parts bytes.Buffer
	form := multipart.NewWriter(&parts)
	require.NoError(t, form.WriteField("path", "spec.global"))
	require.NoError(t, form.Close())
	for name, test := range map[string]struct {
		is, body string
		status   int
	}{
		"too long":                  {"application/x-www-form-urlencoded", "path=spec.global&reason=" + strings.Repeat("x", 4<<20), 413},
		"too long, in parts":        {form.FormDataContentType(), "--" + form.Boundary() + "\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\n" + strings.Repeat("x", 5<<20), 413},
		"cut off":                   {form.FormDataContentType(), parts.String()[:60], 400},
		"a percent that is nothing": {"application/x-www-form-urlencoded", "path=%zz", 400},
		"not asked for":             {"application/json", "{}", 415},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1:8080/rules/edit", strings.NewReader(test.body))
			r.Header.Set("Content-Type", test.is)
			r.AddCookie(cookie)
			answer := httptest.NewRecorder()
			guard.ServeHTTP(answer, r)
			assert.Equal(t, test.status, answer.Code, answer.Body)
		})
	}
}

// TestWhatAURLSaysIsText has a URL say what would be a script or an element.
func TestWhatAURLSaysIsText(t *testing.T) {
	guard, cookie := guarded(t)
	for _, target := range []string{"/workload?of=", "/connection?to=", "/?text=", "/?namespace=", "/rules/edit?of=", "/findings?severity=", "/?draft=", "/events?since="} {
		ctx, stop := context.WithCancel(t.Context())
		stop() // news would come for ever
		answer := answerOf(guard, http.MethodGet, target+url.QueryEscape(`"><img src=x onerror=alert(1)><script>alert(1)</script>`), func(r *http.Request) {
			r.AddCookie(cookie)
			if strings.HasPrefix(target, "/events") {
				*r = *r.WithContext(ctx)
			}
		})
		assert.NotContains(t, answer.Body.String(), "<img", target)
		assert.NotContains(t, answer.Body.String(), "<script>alert", target)
	}
}
