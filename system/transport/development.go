package transport

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// developmentLife is how long a development certificate is good.
const developmentLife = 365 * 24 * time.Hour

// Development is a certificate for development and the authority that clients trust for it, as files.
type Development struct{ Authority, Chain, Key string }

// DevelopmentCertificate uses the certificate in a directory. On the first run it makes one, for these hosts besides
// those of this machine, and throws the key of its authority away: nothing else can be signed with it.
func DevelopmentCertificate(dir string, hosts ...string) (Development, error) {
	d := Development{filepath.Join(dir, "ca.pem"), filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")}
	_, err := os.Stat(d.Key)
	switch {
	case err == nil:
		return d, nil
	case !errors.Is(err, fs.ErrNotExist):
		return d, fmt.Errorf("look for development certificate: %w", err)
	}
	if err := makeDevelopment(dir, hosts); err != nil {
		if _, made := os.Stat(d.Key); made == nil { // by another role at the same moment
			return d, nil
		}
		return d, fmt.Errorf("make development certificate: %w", err)
	}
	return d, nil
}

// makeDevelopment makes the directory as a whole or not at all.
func makeDevelopment(dir string, hosts []string) error {
	parent := filepath.Dir(filepath.Clean(dir))
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return err
	}
	temporary, err := os.MkdirTemp(parent, ".tls-dev-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temporary)
	authority, chain, key, err := developmentPEM(hosts)
	if err != nil {
		return err
	}
	for name, data := range map[string][]byte{"ca.pem": authority, "cert.pem": chain, "key.pem": key} {
		mode := os.FileMode(0o644)
		if name == "key.pem" {
			mode = 0o600
		}
		if err := os.WriteFile(filepath.Join(temporary, name), data, mode); err != nil {
			return err
		}
	}
	if err := os.Chmod(temporary, 0o755); err != nil { // clients read ca.pem
		return err
	}
	return os.Rename(temporary, dir)
}

func developmentPEM(hosts []string) (authority, chain, key []byte, err error) {
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, nil, err
	}
	leafKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, nil, err
	}
	ca := template("chatlab development authority")
	ca.IsCA, ca.BasicConstraintsValid, ca.KeyUsage = true, true, x509.KeyUsageCertSign
	leaf := template("chatlab development")
	leaf.KeyUsage, leaf.ExtKeyUsage = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	name(leaf, append([]string{"localhost", "127.0.0.1", "::1"}, hosts...))
	authority, err = sign(ca, ca, caKey.Public(), caKey)
	if err != nil {
		return nil, nil, nil, err
	}
	if chain, err = sign(leaf, ca, leafKey.Public(), caKey); err != nil {
		return nil, nil, nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(leafKey)
	return authority, chain, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), err
}

func template(subject string) *x509.Certificate {
	now := time.Now()
	return &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: subject},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(developmentLife),
	}
}

func name(c *x509.Certificate, hosts []string) {
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			c.IPAddresses = append(c.IPAddresses, ip)
		} else if h != "" {
			c.DNSNames = append(c.DNSNames, h)
		}
	}
}

func sign(c, by *x509.Certificate, public crypto.PublicKey, key crypto.Signer) ([]byte, error) {
	der, err := x509.CreateCertificate(rand.Reader, c, by, public, key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), nil
}
