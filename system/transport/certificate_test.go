package transport

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// development makes a certificate and reads it.
func development(t *testing.T, dir string, hosts ...string) (d Development, chain, key []byte, trust *x509.CertPool) {
	d, err := DevelopmentCertificate(dir, hosts...)
	require.NoError(t, err)
	authority, err := os.ReadFile(d.Authority)
	require.NoError(t, err)
	chain, err = os.ReadFile(d.Chain)
	require.NoError(t, err)
	key, err = os.ReadFile(d.Key)
	require.NoError(t, err)
	trust = x509.NewCertPool()
	require.True(t, trust.AppendCertsFromPEM(authority))
	return d, chain, key, trust
}

// shake makes a handshake with a listener.
func shake(t *testing.T, address string, c *tls.Config) error {
	conn, err := tls.Dial("tcp", address, c)
	if err != nil {
		return err
	}
	require.Equal(t, uint16(tls.VersionTLS13), conn.ConnectionState().Version)
	return conn.Close()
}

func secure(t *testing.T, c *Certificate) string {
	l, err := tls.Listen("tcp", "127.0.0.1:0", c.Server())
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				_ = conn.(*tls.Conn).Handshake()
				_, _ = conn.Read(make([]byte, 1))
				conn.Close()
			}()
		}
	}()
	return l.Addr().String()
}

func TestADevelopmentCertificateIsTrustedByItsAuthorityOnly(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "not", "there")
	d, chain, key, trust := development(t, dir, "edge.test", "10.1.2.3")
	c, err := NewCertificate(chain, key)
	require.NoError(t, err)
	at := secure(t, c)
	require.NoError(t, shake(t, at, &tls.Config{RootCAs: trust}))
	require.NoError(t, shake(t, at, &tls.Config{RootCAs: trust, ServerName: "edge.test"}))
	require.NoError(t, shake(t, at, &tls.Config{RootCAs: trust, ServerName: "10.1.2.3"}))
	require.ErrorContains(t, shake(t, at, &tls.Config{RootCAs: trust, ServerName: "evil.test"}), "not evil.test")
	require.ErrorContains(t, shake(t, at, &tls.Config{}), "unknown authority")
	require.ErrorContains(t, shake(t, at, &tls.Config{RootCAs: trust, MaxVersion: tls.VersionTLS12}), "protocol version")

	info, err := os.Stat(d.Key)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	_, again, _, _ := development(t, dir)
	require.Equal(t, chain, again, "the second run uses the first's")
}

func TestRolesThatStartTogetherShareOneCertificate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "tls")
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() { _, err := DevelopmentCertificate(dir); require.NoError(t, err) })
	}
	all.Wait()
	_, chain, key, _ := development(t, dir)
	_, err := NewCertificate(chain, key)
	require.NoError(t, err)
	left, err := os.ReadDir(filepath.Dir(dir))
	require.NoError(t, err)
	require.Len(t, left, 1, "nothing else is left")
}

func TestACertificateIsReplaced(t *testing.T) {
	_, chain, key, trust := development(t, filepath.Join(t.TempDir(), "a"))
	_, nextChain, nextKey, nextTrust := development(t, filepath.Join(t.TempDir(), "b"))
	c, err := NewCertificate(chain, key)
	require.NoError(t, err)
	at := secure(t, c)
	require.NoError(t, shake(t, at, &tls.Config{RootCAs: trust}))
	require.Error(t, c.Replace(nextChain, key), "its key is another's")
	require.NoError(t, shake(t, at, &tls.Config{RootCAs: trust}), "the old one stays")
	require.NoError(t, c.Replace(nextChain, nextKey))
	require.NoError(t, shake(t, at, &tls.Config{RootCAs: nextTrust}))
	require.Error(t, shake(t, at, &tls.Config{RootCAs: trust}))
}
