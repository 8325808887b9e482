package deployment

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/token"
	"github.com/chatlab/chatlab/system/transport"
)

// keys are made for one system and die with it: the user key stands in for the identity provider.
type keys struct {
	dir                             string
	userJWKS, ticketKey, ticketJWKS string // files
	secret                          string // file: of the roles
	users                           *token.Issuer
	push                            []string // flags of the push role
}

// tokenLife is longer than any run.
const tokenLife = time.Hour

func makeKeys() (*keys, error) {
	user, err := token.NewKey()
	if err != nil {
		return nil, err
	}
	ticket, err := token.NewKey()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "chatlab-keys-")
	if err != nil {
		return nil, fmt.Errorf("make directory for keys: %w", err)
	}
	k := &keys{
		dir: dir, users: token.NewIssuer(user, time.Now), userJWKS: filepath.Join(dir, "users.jwks"),
		ticketKey: filepath.Join(dir, "ticket.jwk"), ticketJWKS: filepath.Join(dir, "tickets.jwks"),
		secret: filepath.Join(dir, "cluster.secret"),
	}
	for file, data := range map[string][]byte{k.userJWKS: user.JWKS(), k.ticketKey: ticket.Private(), k.ticketJWKS: ticket.JWKS(), k.secret: transport.RandomSecret()} {
		if err := os.WriteFile(file, data, 0o600); err != nil {
			_ = k.remove()
			return nil, fmt.Errorf("write keys: %w", err)
		}
	}
	return k, nil
}

func (k *keys) userToken(user chat.ID) (string, error) {
	return k.users.User(token.User{ID: user, Expires: time.Now().Add(tokenLife)})
}

func (k *keys) remove() error {
	if k == nil {
		return nil
	}
	return os.RemoveAll(k.dir)
}
