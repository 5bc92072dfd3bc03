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

// Verdict is what was found.
type Verdict string

// The verdicts.
const (
	// Intercepted: a sidecar has left its mark.
	Intercepted Verdict = "intercepted"
	// Unmarked: there was an answer in which a mark could have been and is not,
	// so that it bypassed every sidecar as far as can be seen.
	Unmarked Verdict = "unmarked"
	// Unknown: there was no answer, or none in which a mark could be.
	Unknown Verdict = "unknown"
)

// Answer is what came of asking one URL.
type Answer struct {
	URL string `json:"url"`
	// Address is the one that was connected to, "" if none was.
	Address string  `json:"address,omitempty"`
	Verdict Verdict `json:"verdict"`
	// Status is that of the HTTP answer, 0 where there was none.
	Status int `json:"status,omitempty"`
	// Signs are what a sidecar left.
	Signs []Sign `json:"signs,omitempty"`
	// Reason says why the verdict is Unknown.
	Reason string `json:"reason,omitempty"`
}

// Prober asks URLs. The zero value waits without end.
type Prober struct {
	// Timeout bounds each URL as a whole.
	Timeout time.Duration
	// Dial connects to a host and port over TCP; nil for the usual way.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// The schemes that can be asked, and the ports that they imply.
var schemes = map[string]string{"http": "80", "https": "443", "tcp": ""}

// Target reads a URL to be asked: http, https, or tcp with a port, where nothing
// but a TLS handshake is looked at.
func Target(text string) (*url.URL, error) {
	target, err := url.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%q is not a URL: write one such as http://10.0.0.1:8080/", text)
	}
	port, known := schemes[target.Scheme]
	switch {
	case !known || target.Hostname() == "":
		return nil, fmt.Errorf("%q is not a URL that can be asked: begin it with http://, https:// or tcp:// and a host", text)
	case target.User != nil:
		return nil, fmt.Errorf("%q holds a user name: take it out, since whoever answers is not authenticated", target.Redacted())
	case port == "" && target.Port() == "":
		return nil, fmt.Errorf("%q has no port: write one, as in tcp://10.0.0.1:5432", text)
	case port == "" && (target.Path != "" || target.RawQuery != ""):
		return nil, fmt.Errorf("%q has a path: over tcp nothing is asked for, so take it away", text)
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
		// A sidecar may have passed the handshake on. Whether it takes part in
		// one of the mesh's own is a question of its own, and an error no answer.
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

// asking is the asking of one URL.
type asking struct {
	prober Prober
	ctx    context.Context
	target *url.URL
	// mu guards what follows: net/http dials and shakes hands in goroutines of
	// its own, which may outlive a request that was given up.
	mu     sync.Mutex
	answer Answer
	// handshaken says that the server has shown a certificate.
	handshaken bool
}

// seen gives what has been seen up to now.
func (a *asking) seen() (answer Answer, handshaken bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	answer = a.answer
	answer.Signs = slices.Clone(answer.Signs)
	return answer, a.handshaken
}

// errNoTLS is the error of a server that can be reached and speaks no TLS.
var errNoTLS = errors.New("the server speaks no TLS, so that there is nothing to see: ask over http if it speaks that")

// reason gives an error in words, with a hint where it is known what helps.
func reason(err error) string {
	var plain tls.RecordHeaderError
	if errors.As(err, &plain) {
		return errNoTLS.Error()
	}
	var inURL *url.Error
	if errors.As(err, &inURL) {
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
		a.mu.Lock()
		defer a.mu.Unlock()
		a.answer.Address = connection.RemoteAddr().String()
	}
	return connection, err
}

// tls gives the settings of a handshake that takes whatever certificate it is
// shown, and notes it: what a mesh issues, no public authority signs.
func (a *asking) tls(protocols []string) *tls.Config {
	return &tls.Config{
		ServerName:         a.target.Hostname(),
		NextProtos:         protocols,
		InsecureSkipVerify: true,
		VerifyPeerCertificate: func(certificates [][]byte, _ [][]*x509.Certificate) error {
			a.mu.Lock()
			a.handshaken = true
			a.mu.Unlock()
			leaf, err := x509.ParseCertificate(certificates[0])
			if err == nil {
				a.note(inCertificate(leaf))
			}
			return err
		},
	}
}

func (a *asking) note(signs []Sign) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, s := range signs {
		if !slices.Contains(a.answer.Signs, s) {
			a.answer.Signs = append(a.answer.Signs, s)
		}
	}
}

// shakeHands does nothing but a TLS handshake.
func (a *asking) shakeHands(protocols []string) error {
	address := net.JoinHostPort(a.target.Hostname(), a.port())
	connection, err := a.dial(a.ctx, "tcp", address)
	if err != nil {
		return err
	}
	defer func() { _ = connection.Close() }()
	stop := context.AfterFunc(a.ctx, func() { _ = connection.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	client := tls.Client(connection, a.tls(protocols))
	err = client.Handshake()
	if _, handshaken := a.seen(); handshaken {
		return nil // what comes after the certificate does not matter
	}
	if a.ctx.Err() != nil {
		return fmt.Errorf("shaking hands with %s: %w", address, a.ctx.Err())
	}
	return fmt.Errorf("shaking hands with %s: %w", address, err)
}

func (a *asking) port() string {
	if port := a.target.Port(); port != "" {
		return port
	}
	return schemes[a.target.Scheme]
}

// most bounds how much of an answer is read, in bytes.
const most = 64 << 10

// request asks for the URL over HTTP. Neither a redirect is followed nor a proxy
// of the environment used: the answer to look at is the one of this server.
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
	a.mu.Lock()
	a.answer.Status = response.StatusCode
	a.mu.Unlock()
	a.note(inHeader(response.Header))
	return nil
}
