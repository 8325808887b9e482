// Package sockets measures what idle sockets cost, and how they come back when their gateway is killed.
package sockets
