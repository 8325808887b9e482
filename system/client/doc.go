// Package client is the device's side of the chat system: it connects, sends under one id until the outcome is known,
// shows every message once and in order, fills gaps from history and comes back with backoff.
package client
