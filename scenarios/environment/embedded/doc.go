// Package embedded is the world with nothing to install: stores in the lab's process over their real wire protocols on
// loopback, pods as child processes of the same binary, and a relay on every link.
package embedded
