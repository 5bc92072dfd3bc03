package page

import (
	"crypto/rand"
	"crypto/subtle"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
)

// policy is the content security policy of every answer.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// mostPosted is the size of a request's body. A specification has some kilobytes.
const mostPosted = 4 << 20

// Guard lets nobody to a site but whoever has the address that the program printed.
type Guard struct {
	site   http.Handler
	hosts  []string
	cookie string
	token  string
	secret string
	used   atomic.Bool
	cross  *http.CrossOriginProtection
}

// NewGuard guards a site that is reached by hosts, such as 127.0.0.1:8080.
func NewGuard(site http.Handler, hosts []string, port string) *Guard {
	// Cookies do not tell ports apart, so that the name does.
	return &Guard{
		site: site, hosts: hosts, cookie: "krm-bypass-" + port + "-" + rand.Text()[:6],
		token: rand.Text(), secret: rand.Text(), cross: http.NewCrossOriginProtection(),
	}
}

// Token is what the address has to hold that the program prints: it opens the page once.
func (g *Guard) Token() string { return g.token }

func (g *Guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin") // with no-referrer browsers send "null" as the origin of our own posts
	h.Set("Cache-Control", "no-store")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	switch token := r.URL.Query().Get("token"); {
	case !slices.Contains(g.hosts, strings.ToLower(r.Host)):
		refuse(w, http.StatusMisdirectedRequest, "This page is not served under that name: open the address that krm-bypass ui printed. Other names need --host.")
	case g.isForeign(r):
		refuse(w, http.StatusForbidden, "Another site sent this request, and it was not followed.")
	case g.knows(r):
		r.Body = http.MaxBytesReader(w, r.Body, mostPosted)
		g.site.ServeHTTP(w, r)
	case token == "" || !same(token, g.token):
		refuse(w, http.StatusUnauthorized, "Open the address that krm-bypass ui printed, with its token. It opens the page once, in one browser.")
	case r.Method != http.MethodGet || g.used.Swap(true):
		refuse(w, http.StatusUnauthorized, "This address was used already. If it was you, go on in the browser in which you opened it. To get another, end krm-bypass ui with Ctrl-C and start it again.")
	default:
		http.SetCookie(w, &http.Cookie{Name: g.cookie, Value: g.secret, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode})
		query := r.URL.Query()
		query.Del("token")
		to := "/" + strings.TrimLeft(r.URL.EscapedPath(), "/") // and to no other host
		if len(query) > 0 {
			to += "?" + query.Encode()
		}
		http.Redirect(w, r, to, http.StatusSeeOther)
	}
}

func refuse(w http.ResponseWriter, status int, why string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, why+"\n") // there is nobody else to tell
}

// isForeign reports whether another site sent a request: one that changes something, or
// one that is no link which somebody follows. Another port of this machine is another
// site here, and the same to cookies.
func (g *Guard) isForeign(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if g.cross.Check(r) != nil || origin != "" && origin != "http://"+r.Host {
		return true
	}
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "same-origin", "none":
		return false
	}
	return r.Header.Get("Sec-Fetch-Mode") != "navigate" || r.Header.Get("Sec-Fetch-Dest") != "document"
}

func (g *Guard) knows(r *http.Request) bool {
	c, err := r.Cookie(g.cookie)
	return err == nil && same(c.Value, g.secret)
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
