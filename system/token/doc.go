// Package token makes and verifies the two JSON web tokens of the system: the user token that an identity provider
// signs, and the ticket by which the edge sends one device of that user to one gateway.
package token
