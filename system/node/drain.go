package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// Bounds of a drain that an operator asks for.
const (
	minDrain = time.Second
	maxDrain = 5 * time.Minute
)

// drainHandler lets the sockets of a gateway go: POST /drain?window=30s answers when they have. The gateway runs on, for
// whoever ends the pod; a hook before the pod's end asks so for more time than SIGTERM gives.
func (n *Node) drainHandler(w http.ResponseWriter, r *http.Request) {
	if n.drain == nil {
		http.Error(w, "a "+n.cfg.Role+" holds no sockets: there is nothing to drain", http.StatusNotFound)
		return
	}
	window := n.cfg.Drain
	if text := r.URL.Query().Get("window"); text != "" {
		var err error
		if window, err = time.ParseDuration(text); err != nil || window < minDrain || window > maxDrain {
			http.Error(w, fmt.Sprintf("window %.20q: want a duration from %s to %s, as in 30s", text, minDrain, maxDrain), http.StatusBadRequest)
			return
		}
	}
	start := time.Now()
	n.drain(context.WithoutCancel(r.Context()), window) // begun is begun, whoever hangs up
	fmt.Fprintf(w, "drained in %s\n", time.Since(start).Round(time.Millisecond))
}

// askToDrain is the command `chatd drain`: what a hook runs inside the pod that ends.
func askToDrain(ctx context.Context, admin string, window time.Duration, stdout io.Writer) error {
	host, port, err := net.SplitHostPort(admin)
	if err != nil {
		return fmt.Errorf("read admin address: %w", err)
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	ctx, cancel := context.WithTimeout(ctx, window+10*time.Second)
	defer cancel()
	url := fmt.Sprintf("http://%s/drain?window=%s", net.JoinHostPort(host, port), window)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, nil)
	if err != nil {
		return fmt.Errorf("ask to drain: %w", err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("ask to drain: %w", err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, 1<<10))
	if err == nil && res.StatusCode != http.StatusOK {
		err = errors.New(string(text))
	}
	if err != nil {
		return fmt.Errorf("drain: %w", err)
	}
	_, err = stdout.Write(text)
	return err
}
