package sidecar

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"net"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/test/lab"
)

// Authority stands in for a mesh's certificate authority: it gives workloads
// certificates with a SPIFFE identity and no name of a host, as Istio's does.
type Authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	roots       *x509.CertPool
}

// NewAuthority makes an authority.
func NewAuthority(t testing.TB) *Authority {
	t.Helper()
	a := &Authority{roots: x509.NewCertPool()}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "cluster.local"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	var err error
	a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	text, err := x509.CreateCertificate(rand.Reader, template, template, &a.key.PublicKey, a.key)
	require.NoError(t, err)
	a.certificate, err = x509.ParseCertificate(text)
	require.NoError(t, err)
	a.roots.AddCert(a.certificate)
	return a
}

// issue gives a certificate for a service account.
func (a *Authority) issue(t testing.TB, namespace, account string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2),
		NotBefore:    time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		URIs:        []*url.URL{{Scheme: "spiffe", Host: "cluster.local", Path: "/ns/" + namespace + "/sa/" + account}},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
	text, err := x509.CreateCertificate(rand.Reader, template, a.certificate, &key.PublicKey, a.key)
	require.NoError(t, err)
	return tls.Certificate{Certificate: [][]byte{text}, PrivateKey: key}
}

// Server is what a sidecar under a STRICT policy asks of its callers: a
// certificate of the mesh.
func (a *Authority) Server(t testing.TB, namespace, account string) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{a.issue(t, namespace, account)},
		ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: a.roots,
	}
}

var errNoPeer = errors.New("the peer has no certificate of the mesh")

// Client is what a sidecar speaks to another: it shows its own certificate and
// wants one of the mesh.
func (a *Authority) Client(t testing.TB, namespace, account string) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{a.issue(t, namespace, account)},
		InsecureSkipVerify: true, // there is no host to verify; the chain is, below
		VerifyConnection: func(state tls.ConnectionState) error {
			if len(state.PeerCertificates) == 0 {
				return errNoPeer
			}
			_, err := state.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: a.roots, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
			return err
		},
	}
}

// handshake speaks TLS on a connection.
func handshake(connection net.Conn, config *tls.Config) (net.Conn, error) {
	secured := tls.Client(connection, config)
	ctx, cancel := context.WithTimeout(context.Background(), lab.Patience)
	defer cancel()
	if err := secured.HandshakeContext(ctx); err != nil {
		connection.Close()
		return nil, err
	}
	return secured, nil
}
