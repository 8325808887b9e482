package node

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/chatlab/chatlab/system/guard"
	"github.com/chatlab/chatlab/system/transport"
)

// Security is how a role is protected: from whom it takes calls, what strangers may ask, and whether they are overheard.
// The command takes it as flags.
type Security struct {
	TLSCert        string `group:"Public listener (edge, gateway)" name:"tls-cert" help:"Certificate chain in PEM: devices connect by TLS 1.3. Read again when it changes." env:"CHATD_TLS_CERT" type:"existingfile" placeholder:"FILE"`
	TLSKey         string `group:"Public listener (edge, gateway)" name:"tls-key" help:"Its private key in PEM." env:"CHATD_TLS_KEY" type:"existingfile" placeholder:"FILE"`
	TLSDev         string `group:"Public listener (edge, gateway)" name:"tls-dev" help:"Directory with a certificate for development, made on the first run; clients trust its ca.pem." env:"CHATD_TLS_DEV" type:"path" placeholder:"DIR"`
	InsecurePublic bool   `group:"Public listener (edge, gateway)" help:"Listen beyond loopback without TLS, because a proxy in front ends it." env:"CHATD_INSECURE_PUBLIC"`

	AddressRate    float64  `group:"Public listener (edge, gateway)" help:"Requests and upgrades a second of one address, twice as many at once, before anybody is authenticated. 0: no limit." default:"200" env:"CHATD_ADDRESS_RATE"`
	TrustedProxies []string `group:"Public listener (edge, gateway)" help:"Proxies whose X-Forwarded-For names the address. Nobody else's is believed." env:"CHATD_TRUSTED_PROXIES" placeholder:"CIDR"`
	MaxConnections int      `group:"Public listener (edge, gateway)" help:"TCP connections held at once, with or without a session; one more is closed. 0: no limit." default:"60000" env:"CHATD_MAX_CONNECTIONS"`
	AcceptRate     float64  `group:"Public listener (edge, gateway)" help:"New sessions a second that a gateway opens, as many at once; more are told to wait." default:"2000" env:"CHATD_ACCEPT_RATE"`
	MemoryLimit    Bytes    `group:"Public listener (edge, gateway)" help:"Memory of a gateway: from the share shed_at of it on, it takes no more sockets. As in 512MiB; default: of its cgroup, or GOMEMLIMIT." env:"CHATD_MEMORY_LIMIT" placeholder:"BYTES"`

	TokenIssuer   string `group:"Keys" help:"The iss that user tokens must carry. Empty: any." env:"CHATD_TOKEN_ISSUER" placeholder:"URL"`
	TokenAudience string `group:"Keys" help:"The aud that user tokens must carry. Empty: any." env:"CHATD_TOKEN_AUDIENCE" placeholder:"NAME"`

	ClusterSecret string `group:"Other roles" help:"File with the secret, at least 32 bytes, that roles prove their calls to each other with; while it changes two, one a line: the first is sent, both are taken. Read again when it changes." env:"CHATD_CLUSTER_SECRET" type:"existingfile" placeholder:"FILE"`
	InsecureRPC   bool   `group:"Other roles" name:"insecure-rpc" help:"Take calls from whoever reaches the rpc listener, which then must be on loopback." env:"CHATD_INSECURE_RPC"`

	Secret []byte `kong:"-"` // instead of a file
}

// secret is the text of the cluster's secret, nil if there is none.
func (s Security) secret() ([]byte, error) {
	if s.ClusterSecret == "" {
		return s.Secret, nil
	}
	text, err := os.ReadFile(s.ClusterSecret)
	if err != nil {
		return nil, fmt.Errorf("read cluster secret: %w", err)
	}
	return text, nil
}

// tls says whether devices connect by TLS.
func (s Security) tls() bool { return s.TLSDev != "" || s.TLSCert != "" }

// validate refuses what would let strangers in, or their tokens be overheard.
func (s Security) validate(c Config) error {
	serves := c.Role == Gateway || c.Role == Message || c.Role == Presence
	public := c.Role == Gateway || c.Role == Edge
	switch {
	case (s.TLSCert == "") != (s.TLSKey == ""):
		return errors.New("--tls-cert and --tls-key belong together")
	case s.TLSDev != "" && s.TLSCert != "":
		return errors.New("--tls-dev and --tls-cert exclude each other")
	case s.AddressRate < 0 || s.AcceptRate < 0 || s.MaxConnections < 0:
		return errors.New("--address-rate, --accept-rate and --max-connections must not be negative")
	case serves && s.InsecureRPC && s.ClusterSecret == "" && len(s.Secret) == 0 && !loopback(c.RPCListen):
		return fmt.Errorf("--rpc-listen %s with --insecure-rpc: whoever reaches it could speak for any user; give --cluster-secret FILE, or listen on loopback", c.RPCListen)
	case public && !s.tls() && !s.InsecurePublic && !loopback(c.PublicListen):
		return fmt.Errorf("--public-listen %s without TLS: tokens and messages could be read on the way; give --tls-cert and --tls-key, or --tls-dev DIR, or --insecure-public where a proxy in front ends TLS", c.PublicListen)
	}
	_, err := guard.New(guard.Config{PerSecond: s.AddressRate, Trusted: s.TrustedProxies})
	if err != nil {
		return fmt.Errorf("--trusted-proxies: %w", err)
	}
	return nil
}

func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	return err == nil && (host == "localhost" || net.ParseIP(host).IsLoopback())
}

// proveCalls gives the network the cluster's secret.
func (n *Node) proveCalls() error {
	text, err := n.cfg.Security.secret()
	if err != nil || text == nil {
		return err
	}
	s, err := transport.NewSecret(text, n.cfg.Logger, n.registry)
	if err != nil {
		return err
	}
	n.cfg.Network.Secret = s
	n.watch("cluster_secret", [][]byte{text}, func(data [][]byte) error { return s.Replace(data[0]) }, n.cfg.Security.ClusterSecret)
	return nil
}

// addresses is the limit of strangers' addresses.
func (n *Node) addresses() (*guard.Addresses, error) {
	s := n.cfg.Security
	return guard.New(guard.Config{PerSecond: s.AddressRate, Trusted: s.TrustedProxies, Now: n.cfg.Now, Metrics: n.registry})
}

// protect puts TLS and the bound of connections on the public listener.
func (n *Node) protect(l net.Listener) (net.Listener, error) {
	s := n.cfg.Security
	if s.MaxConnections > 0 {
		l = n.bounded(l)
	}
	if s.TLSDev != "" {
		host, _, _ := net.SplitHostPort(n.cfg.PublicListen)
		name, _ := os.Hostname() // without one, the certificate lacks it
		d, err := transport.DevelopmentCertificate(s.TLSDev, host, name)
		if err != nil {
			return nil, err
		}
		s.TLSCert, s.TLSKey = d.Chain, d.Key
	}
	if s.TLSCert == "" {
		return l, nil
	}
	data, err := readAll(s.TLSCert, s.TLSKey)
	if err != nil {
		return nil, err
	}
	c, err := transport.NewCertificate(data[0], data[1])
	if err != nil {
		return nil, err
	}
	n.watch("certificate", data, func(data [][]byte) error { return c.Replace(data[0], data[1]) }, s.TLSCert, s.TLSKey)
	return tls.NewListener(l, c.Server()), nil
}

// gatewayURL is where devices open a socket, of an address that devices are told: a URL, or host:port of a gateway
// that listens as this edge does.
func (s Security) gatewayURL(told string) (public, at string, err error) {
	if !strings.Contains(told, "://") {
		scheme := "ws://"
		if s.tls() {
			scheme = "wss://"
		}
		return told, scheme + told + "/ws", nil
	}
	u, err := url.Parse(told)
	if err != nil || u.Scheme != "ws" && u.Scheme != "wss" || u.Host == "" {
		return "", "", fmt.Errorf("--gateway-public %q: want host:port, or a URL that begins with ws:// or wss://", told)
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = "/ws"
	}
	return u.Host, u.String(), nil
}

// bounded holds so many connections at most, and counts those beyond.
func (n *Node) bounded(l net.Listener) net.Listener {
	b := guard.NewBound(l, n.cfg.Security.MaxConnections)
	n.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "chat_public_connections_refused_total", Help: "TCP connections closed because the public listener held as many as it may.",
	}, func() float64 { return float64(b.Closed.Load()) }))
	return b
}
