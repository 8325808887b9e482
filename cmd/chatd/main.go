// Command chatd runs one role of the chat system, or all of them in one process.
package main

import (
	"os"

	"github.com/chatlab/chatlab/system/node"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "all" {
		os.Exit(all(os.Args[2:], os.Stdout, os.Stderr))
	}
	os.Exit(node.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
