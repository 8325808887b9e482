// Package child ties child processes to the one that started them.
package child
