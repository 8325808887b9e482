// Package chat holds the domain: messages, conversations, places in the order, limits and the errors that users see.
package chat
