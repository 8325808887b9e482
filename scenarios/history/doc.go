// Package history keeps one timeline of everything that a run intended, did and saw, in a compact file that others can read.
package history
