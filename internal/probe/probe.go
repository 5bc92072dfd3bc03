package probe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"
)

// Verdict says what probe found.
type Verdict string

// The verdicts.
const (
	// Intercepted: a sidecar left a mark.
	Intercepted Verdict = "intercepted"
	// Unmarked: there was an answer that could have carried a mark and has none.
	// As far as anybody can see, it bypassed every sidecar.
	Unmarked Verdict = "unmarked"
	// Unknown: there was no answer that could have carried a mark.
	Unknown Verdict = "unknown"
)

// Answer is what asking one URL led to.
type Answer struct {
	URL string `json:"url"`
	// Address is where the connection went, "" if there was none.
	Address string  `json:"address,omitempty"`
	Verdict Verdict `json:"verdict"`
	// Status is that of the HTTP answer, 0 if there was none.
	Status int `json:"status,omitempty"`
	// Signs are what a sidecar left.
	Signs []Sign `json:"signs,omitempty"`
	// Reason says why the verdict is Unknown.
	Reason string `json:"reason,omitempty"`
}

// Prober asks URLs. The zero value waits forever.
type Prober struct {
	// Timeout limits the time for a URL, all in all.
	Timeout time.Duration
	// Dial connects to a host and port over TCP; nil for the usual way.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// The schemes that probe knows, and the ports that they imply.
var schemes = map[string]string{"http": "80", "https": "443", "tcp": ""}

// Target reads a URL for Ask: http, https, or tcp with a port. Over tcp, Ask looks
// at nothing but the TLS handshake.
func Target(text string) (*url.URL, error) {
	target, err := url.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%q is not a URL: write one such as http://10.0.0.1:8080/", text)
	}
	port, known := schemes[target.Scheme]
	switch {
	case !known || target.Hostname() == "":
		return nil, fmt.Errorf("%q is not a URL that probe can ask: begin it with http://, https:// or tcp:// and a host", text)
	case target.User != nil:
		return nil, fmt.Errorf("%q contains a user name: remove it, because probe does not check who answers", target.Redacted())
	case port == "" && target.Port() == "":
		return nil, fmt.Errorf("%q has no port: add one, as in tcp://10.0.0.1:5432", text)
	case port == "" && (target.Path != "" || target.RawQuery != ""):
		return nil, fmt.Errorf("%q has a path: remove it, because over tcp probe requests nothing", text)
	}
	return target, nil
}

// Ask asks a URL that Target gave.
func (p Prober) Ask(ctx context.Context, target *url.URL) Answer {
	if p.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, p.Timeout)
		defer cancel()
	}
	a := &asking{prober: p, ctx: ctx, target: target, answer: Answer{URL: target.String()}}
	var err error
	if target.Scheme == "tcp" {
		err = a.shakeHands(nil)
	} else {
		err = a.request()
	}
	if seen, handshaken := a.seen(); len(seen.Signs) == 0 && handshaken {
		// A sidecar may have passed the handshake on. So ask a second question,
		// in the mesh's own protocol. An error answers nothing.
		_ = a.shakeHands(inMesh())
	}
	answer, _ := a.seen()
	switch {
	case len(answer.Signs) > 0:
		answer.Verdict = Intercepted
	case err != nil:
		answer.Verdict, answer.Reason = Unknown, reason(err)
	default:
		answer.Verdict = Unmarked
	}
	return answer
}

// asking is one call of Ask.
type asking struct {
	prober Prober
	ctx    context.Context
	target *url.URL
	// mu guards what follows: net/http dials and shakes hands in goroutines of
	// its own, and these may outlive a request that was given up.
	mu     sync.Mutex
	answer Answer
	// handshaken is true once the server has shown a certificate.
	handshaken bool
}

// seen gives what it has seen so far.
func (a *asking) seen() (answer Answer, handshaken bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	answer = a.answer
	answer.Signs = slices.Clone(answer.Signs)
	return answer, a.handshaken
}

// learn changes what it has seen so far.
func (a *asking) learn(change func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	change()
}

// reason puts an error in words, and adds a hint if one is known.
func reason(err error) string {
	if _, plain := errors.AsType[tls.RecordHeaderError](err); plain {
		return "the server speaks no TLS, so there is nothing to see: ask over http if it speaks that"
	}
	if inURL, is := errors.AsType[*url.Error](err); is {
		err = inURL.Err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return "no answer in time: " + err.Error()
	}
	return err.Error()
}

func (a *asking) dial(ctx context.Context, network, address string) (net.Conn, error) {
	dial := a.prober.Dial
	if dial == nil {
		dial = (&net.Dialer{}).DialContext
	}
	connection, err := dial(ctx, network, address)
	if err == nil {
		a.learn(func() { a.answer.Address = connection.RemoteAddr().String() })
	}
	return connection, err
}

// tls gives the settings of a handshake that accepts any certificate, and notes
// it: no public authority signs what a mesh issues.
func (a *asking) tls(protocols []string) *tls.Config {
	return &tls.Config{
		ServerName:         a.target.Hostname(),
		NextProtos:         protocols,
		InsecureSkipVerify: true,
		VerifyPeerCertificate: func(certificates [][]byte, _ [][]*x509.Certificate) error {
			a.learn(func() { a.handshaken = true })
			leaf, err := x509.ParseCertificate(certificates[0])
			if err == nil {
				a.note(inCertificate(leaf))
			}
			return err
		},
	}
}

func (a *asking) note(signs []Sign) {
	a.learn(func() {
		for _, s := range signs {
			if !slices.Contains(a.answer.Signs, s) {
				a.answer.Signs = append(a.answer.Signs, s)
			}
		}
	})
}

// shakeHands does a TLS handshake and nothing else.
func (a *asking) shakeHands(protocols []string) error {
	address := net.JoinHostPort(a.target.Hostname(), a.port())
	connection, err := a.dial(a.ctx, "tcp", address)
	if err != nil {
		return err
	}
	defer func() { _ = connection.Close() }()
	err = tls.Client(connection, a.tls(protocols)).HandshakeContext(a.ctx)
	if _, handshaken := a.seen(); handshaken {
		return nil // what comes after the certificate does not matter
	}
	return fmt.Errorf("shaking hands with %s: %w", address, err)
}

func (a *asking) port() string {
	if port := a.target.Port(); port != "" {
		return port
	}
	return schemes[a.target.Scheme]
}

// most is how much of an answer we read, in bytes.
const most = 64 << 10

// request asks for the URL over HTTP. It follows no redirect and uses no proxy of
// the environment: what counts is this server's answer.
func (a *asking) request() error {
	request, err := http.NewRequestWithContext(a.ctx, http.MethodGet, a.target.String(), http.NoBody)
	if err != nil {
		return err
	}
	request.Header.Set("User-Agent", "krm-bypass-probe")
	transport := &http.Transport{
		Proxy:             nil,
		DialContext:       a.dial,
		DisableKeepAlives: true,
		TLSClientConfig:   a.tls(nil),
	}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	_, _ = io.CopyN(io.Discard, response.Body, most) // so that the server sees no error
	a.learn(func() { a.answer.Status = response.StatusCode })
	a.note(inHeader(response.Header))
	return nil
}
