package transport

import (
	"crypto/tls"
	"fmt"
	"sync/atomic"
)

// Certificate is what a public listener shows. It may be replaced while connections go on.
type Certificate struct {
	now atomic.Pointer[tls.Certificate]
}

// NewCertificate reads a chain and its key in PEM.
func NewCertificate(chain, key []byte) (*Certificate, error) {
	c := &Certificate{}
	return c, c.Replace(chain, key)
}

// Replace shows another certificate from the next handshake on; one that cannot be read leaves the present one.
func (c *Certificate) Replace(chain, key []byte) error {
	pair, err := tls.X509KeyPair(chain, key)
	if err != nil {
		return fmt.Errorf("read certificate: %w", err)
	}
	c.now.Store(&pair)
	return nil
}

// Server is the configuration of a listener: TLS 1.3 or none, and HTTP/1.1, over which sockets open.
func (c *Certificate) Server() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13, NextProtos: []string{"http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.now.Load(), nil },
	}
}
