// Package edge is the role that devices meet first: it verifies user tokens, limits requests, assigns gateways and
// brings REST calls to the roles that do them.
package edge
