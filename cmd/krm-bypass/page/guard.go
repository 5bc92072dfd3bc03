package page

import (
	"crypto/rand"
	"crypto/subtle"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
)

// policy is the content security policy of every answer.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

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
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	switch token := r.URL.Query().Get("token"); {
	case !slices.Contains(g.hosts, strings.ToLower(r.Host)):
		http.Error(w, "this page is not served under that name", http.StatusMisdirectedRequest)
	case g.cross.Check(r) != nil:
		http.Error(w, "another site sent this request", http.StatusForbidden)
	case g.knows(r):
		g.site.ServeHTTP(w, r)
	case token == "" || !same(token, g.token):
		http.Error(w, "open the address that krm-bypass ui printed", http.StatusUnauthorized)
	case r.Method != http.MethodGet || g.used.Swap(true):
		http.Error(w, "this address was used already: stop krm-bypass ui and start it again", http.StatusUnauthorized)
	default:
		http.SetCookie(w, &http.Cookie{Name: g.cookie, Value: g.secret, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode})
		query := r.URL.Query()
		query.Del("token")
		to := *r.URL
		to.RawQuery = query.Encode()
		http.Redirect(w, r, to.RequestURI(), http.StatusSeeOther)
	}
}

func (g *Guard) knows(r *http.Request) bool {
	c, err := r.Cookie(g.cookie)
	return err == nil && same(c.Value, g.secret)
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
