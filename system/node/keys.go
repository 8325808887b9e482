package node

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/token"
)

const aboutKeys = `Makes the keys of a system that has no identity provider yet, the secret that its roles share, and tokens for its users: for development.

Exit codes: 0 done, 2 wrong command line, 3 could not read or write a file.`

// Files in a directory of keys.
const (
	fileUserKey    = "user-key.json"    // private: signs user tokens
	fileUserJWKS   = "user-jwks.json"   // verifies them
	fileTicketKey  = "ticket-key.json"  // private: signs tickets
	fileTicketJWKS = "ticket-jwks.json" // verifies them
	fileSecret     = "cluster-secret"   // private: what roles prove their calls with
)

type keysFlags struct {
	Dir  string   `help:"Where the key files are." default:"." type:"path"`
	Make struct{} `cmd:"" help:"Make the key files that are not there yet."`

	Token struct {
		User string        `help:"Id of the user; without one a new user is made."`
		For  time.Duration `help:"How long the token is good." default:"12h"`
	} `cmd:"" help:"Print a user's id and a token."`
}

func keysTool() tool {
	f := &keysFlags{}
	return tool{name: "keys", about: aboutKeys, flags: f, run: func(_ context.Context, chosen string, stdout, _ io.Writer) error {
		if chosen == "make" {
			return errors.Join(makeKeys(f.Dir, fileUserKey, fileUserJWKS), makeKeys(f.Dir, fileTicketKey, fileTicketJWKS), makeSecret(f.Dir))
		}
		return f.token(stdout)
	}}
}

// makeKeys leaves a key alone that is there: what it signed must stay good.
func makeKeys(dir, private, public string) error {
	_, err := os.Stat(filepath.Join(dir, private))
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	key, err := token.NewKey()
	if err != nil {
		return fmt.Errorf("make key: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, public), key.JWKS(), 0o644); err != nil { //nolint:gosec // everybody may verify
		return fmt.Errorf("write keys: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, private), key.Private(), 0o600); err != nil {
		return fmt.Errorf("write keys: %w", err)
	}
	return nil
}

// makeSecret leaves a secret alone that is there.
func makeSecret(dir string) error {
	secret := rand.Text() + rand.Text()
	file, err := os.OpenFile(filepath.Join(dir, fileSecret), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("write cluster secret: %w", err)
	}
	_, err = fmt.Fprintln(file, secret)
	if err := errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("write cluster secret: %w", err)
	}
	return nil
}

func (f *keysFlags) token(stdout io.Writer) error {
	text, err := os.ReadFile(filepath.Join(f.Dir, fileUserKey))
	if err != nil {
		return fmt.Errorf("read key: %w", err)
	}
	key, err := token.ParseKey(text)
	if err != nil {
		return fmt.Errorf("read key: %w", err)
	}
	user := chat.NewID()
	if f.Token.User != "" {
		if user, err = chat.ParseID(f.Token.User); err != nil {
			return err
		}
	}
	signed, err := token.NewIssuer(key, time.Now).User(token.User{ID: user, Expires: time.Now().Add(f.Token.For)})
	if err != nil {
		return fmt.Errorf("make token: %w", err)
	}
	_, err = fmt.Fprintf(stdout, "ID=%s\nTOKEN=%s\n", user, signed)
	return err
}
