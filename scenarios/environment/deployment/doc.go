// Package deployment runs the system around the stores of a world: pods as child processes of this binary, and a relay on
// every link between them.
package deployment
