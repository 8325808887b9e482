package client

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/transport"
)

// NewHTTP makes an HTTP client over a network that the devices of a process can share. Whom it trusts where addresses are
// https or wss the TLS configuration says; nil: whom the machine trusts. Its owner calls CloseIdleConnections at the end.
func NewHTTP(n transport.Network, trust *tls.Config) *http.Client {
	return &http.Client{Transport: &http.Transport{
		TLSClientConfig: trust,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			return n.Dial(ctx, network, address)
		},
		MaxIdleConnsPerHost: 64,
		MaxConnsPerHost:     256,
		IdleConnTimeout:     time.Minute,
	}}
}

// call asks the edge, as this user. A refusal is returned as a *chat.Error; any other error means that the outcome is
// not known.
func (c *Client) call(ctx context.Context, method, path string, in any) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeouts.Request)
	defer cancel()
	req, err := c.request(ctx, method, path, in)
	if err != nil {
		return nil, err
	}
	res, err := c.cfg.HTTP.Do(req)
	if err != nil {
		return nil, fmt.Errorf("call edge: %w", err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxBodyBytes))
	if err != nil {
		return nil, fmt.Errorf("read answer of %s %s: %w", method, path, err)
	}
	if res.StatusCode >= 300 {
		return nil, refusal(res.StatusCode, body)
	}
	return body, nil
}

func (c *Client) request(ctx context.Context, method, path string, in any) (*http.Request, error) {
	token, err := c.cfg.Token(ctx)
	if err != nil {
		return nil, fmt.Errorf("get token: %w", err)
	}
	var body io.Reader
	if in != nil {
		data, err := json.Marshal(in)
		if err != nil {
			return nil, fmt.Errorf("encode %s %s: %w", method, path, err)
		}
		body = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.cfg.EdgeURL+path, body)
	if err != nil {
		return nil, fmt.Errorf("make request %s %s: %w", method, path, err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return req, nil
}

// refusal reads a problem document. An answer that is none comes from something in between: its status decides.
func refusal(status int, body []byte) *chat.Error {
	var p struct {
		Code         chat.Code `json:"code"`
		Detail       string    `json:"detail"`
		Title        string    `json:"title"`
		RetryAfterMS int64     `json:"retry_after_ms"`
	}
	if json.Unmarshal(body, &p) != nil || p.Code == "" {
		return chat.Errorf(codeOf(status), "status %d", status)
	}
	if p.Detail == "" {
		p.Detail = p.Title
	}
	return chat.Errorf(p.Code, "%s", p.Detail).After(time.Duration(p.RetryAfterMS) * time.Millisecond)
}

func codeOf(status int) chat.Code {
	switch status {
	case http.StatusUnauthorized:
		return chat.CodeTokenInvalid
	case http.StatusNotFound:
		return chat.CodeNotFound
	case http.StatusTooManyRequests:
		return chat.CodeServerLimit
	case http.StatusBadGateway, http.StatusServiceUnavailable:
		return chat.CodeUnavailable
	}
	return chat.CodeInternal
}
