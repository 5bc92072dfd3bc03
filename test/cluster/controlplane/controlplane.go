package controlplane

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Programs are the paths of the control plane's programs.
type Programs struct {
	Etcd, APIServer, Kubectl string
}

// Server is a running control plane.
type Server struct {
	// Directory holds all that it keeps: data, keys, logs.
	Directory string

	kubectl   string
	url       string
	client    *http.Client
	processes []*process
}

// Token is that of the cluster's administrator, the one user there is.
const token = "administrator"

// patience is how long a program may take to be ready. The kube-apiserver takes
// about 15 s on an idle machine.
const patience = 3 * time.Minute

// Between choosing a port and listening on it another program may take it; then
// there are so many attempts in all.
const (
	attempts = 3
	taken    = "address already in use"
)

// Start starts a control plane that keeps what it has in the directory, and
// returns when it serves. Where a program does not come up, the error has the
// end of its log.
func Start(ctx context.Context, programs Programs, directory string) (*Server, error) {
	for attempt := 1; ; attempt++ {
		s := &Server{Directory: directory, kubectl: programs.Kubectl}
		err := s.start(ctx, programs)
		if err == nil {
			return s, nil
		}
		s.Stop()
		if attempt == attempts || !strings.Contains(err.Error(), taken) {
			return nil, err
		}
	}
}

// Stop ends all that runs.
func (s *Server) Stop() {
	for i := len(s.processes) - 1; i >= 0; i-- {
		s.processes[i].kill()
	}
	s.processes = nil
}

func (s *Server) start(ctx context.Context, programs Programs) error {
	ports, err := freePorts(3)
	if err != nil {
		return err
	}
	etcd, peers := "http://"+ports[0], "http://"+ports[1]
	if err := s.startEtcd(ctx, programs.Etcd, etcd, peers); err != nil {
		return err
	}
	return s.startAPIServer(ctx, programs.APIServer, etcd, ports[2])
}

func (s *Server) startEtcd(ctx context.Context, program, url, peers string) error {
	data := filepath.Join(s.Directory, "etcd")
	if err := os.RemoveAll(data); err != nil {
		return err
	}
	etcd, err := start(s.Directory, program,
		"--name=etcd", "--data-dir="+data,
		"--listen-client-urls="+url, "--advertise-client-urls="+url,
		"--listen-peer-urls="+peers, "--initial-advertise-peer-urls="+peers, "--initial-cluster=etcd="+peers)
	if err != nil {
		return err
	}
	s.processes = append(s.processes, etcd)
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return etcd.await(ctx, func(ctx context.Context) error { return healthy(ctx, http.DefaultClient, url+"/health") })
}

func (s *Server) startAPIServer(ctx context.Context, program, etcd, address string) error {
	key := filepath.Join(s.Directory, "service-account.key")
	if err := writeKey(key); err != nil {
		return err
	}
	tokens := filepath.Join(s.Directory, "tokens.csv")
	if err := os.WriteFile(tokens, []byte(token+",administrator,administrator,system:masters\n"), 0o600); err != nil {
		return err
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	certificates := filepath.Join(s.Directory, "certificates")
	apiserver, err := start(s.Directory, program,
		"--etcd-servers="+etcd, "--bind-address="+host, "--secure-port="+port, "--cert-dir="+certificates,
		"--token-auth-file="+tokens, "--authorization-mode=RBAC",
		"--service-account-issuer=https://kubernetes.default.svc", "--service-account-key-file="+key, "--service-account-signing-key-file="+key,
		// Nobody makes the service accounts that this would ask for.
		"--disable-admission-plugins=ServiceAccount",
		"--allow-privileged=true", // as everywhere; Pod Security is to refuse it
		"--service-cluster-ip-range=10.96.0.0/16")
	if err != nil {
		return err
	}
	s.processes = append(s.processes, apiserver)
	s.url = "https://" + address
	certificate := filepath.Join(certificates, "apiserver.crt")
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err = apiserver.await(ctx, func(ctx context.Context) (err error) {
		if s.client == nil {
			if s.client, err = trusting(certificate); err != nil {
				return err
			}
		}
		// It is ready a little before it has made the namespace.
		return errors.Join(healthy(ctx, s.client, s.url+"/readyz"), healthy(ctx, s.client, s.url+"/api/v1/namespaces/default"))
	})
	if err != nil {
		return err
	}
	return os.WriteFile(s.kubeconfig(), fmt.Appendf(nil, `apiVersion: v1
kind: Config
clusters:
- name: test
  cluster: {server: %q, certificate-authority: %q}
users:
- name: administrator
  user: {token: %q}
contexts:
- name: test
  context: {cluster: test, user: administrator}
current-context: test
`, s.url, certificate, token), 0o600)
}

// StartControllers starts the kube-controller-manager with the controllers of
// these names alone, and returns when it is up, with the way to end it.
func (s *Server) StartControllers(ctx context.Context, program string, names ...string) (stop func(), err error) {
	for attempt := 1; ; attempt++ {
		ports, err := freePorts(1)
		if err != nil {
			return nil, err
		}
		manager, err := s.startControllers(ctx, program, ports[0], names)
		if err == nil {
			return manager.kill, nil
		}
		if attempt == attempts || !strings.Contains(err.Error(), taken) {
			return nil, err
		}
	}
}

func (s *Server) startControllers(ctx context.Context, program, address string, names []string) (*process, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	certificates := filepath.Join(s.Directory, "certificates")
	manager, err := start(s.Directory, program,
		"--kubeconfig="+s.kubeconfig(), "--controllers="+strings.Join(names, ","), "--leader-elect=false",
		"--bind-address="+host, "--secure-port="+port, "--cert-dir="+certificates)
	if err != nil {
		return nil, err
	}
	s.processes = append(s.processes, manager)
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := manager.await(ctx, func(ctx context.Context) error {
		client, err := trusting(filepath.Join(certificates, filepath.Base(program)+".crt"))
		if err != nil {
			return err
		}
		return healthy(ctx, client, "https://"+address+"/healthz")
	}); err != nil {
		manager.kill()
		return nil, err
	}
	return manager, nil
}

func (s *Server) kubeconfig() string { return filepath.Join(s.Directory, "kubeconfig") }

// freePorts gives addresses of loopback on which nobody listens.
func freePorts(n int) ([]string, error) {
	if n == 0 {
		return nil, nil
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("choosing a port: %w", err)
	}
	defer listener.Close() // only when the others are chosen, which else could be the same
	others, err := freePorts(n - 1)
	return append(others, listener.Addr().String()), err
}

// writeKey makes the key by which service accounts' tokens are signed.
func writeKey(path string) error {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return fmt.Errorf("making a key: %w", err)
	}
	block := &pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}
	return os.WriteFile(path, pem.EncodeToMemory(block), 0o600)
}

// trusting gives a client that takes the certificate for its server's, and that
// is the administrator.
func trusting(certificate string) (*http.Client, error) {
	text, err := os.ReadFile(certificate)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("reading %s: no certificate in it", certificate)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}
	return &http.Client{Transport: administrator{transport}}, nil
}

// administrator sends every request as the administrator's.
type administrator struct{ transport http.RoundTripper }

func (a administrator) RoundTrip(request *http.Request) (*http.Response, error) {
	request = request.Clone(request.Context())
	request.Header.Set("Authorization", "Bearer "+token)
	return a.transport.RoundTrip(request)
}

func healthy(ctx context.Context, client *http.Client, url string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		said, _ := io.ReadAll(io.LimitReader(response.Body, 1<<10))
		return fmt.Errorf("asking %s: %s: %s", url, response.Status, said)
	}
	return nil
}
