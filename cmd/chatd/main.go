// Command chatd runs one role of the chat system, or all of them in one process.
package main

import (
	"fmt"
	"os"

	"github.com/chatlab/chatlab/system/node"
)

// version is set by the linker.
var version = "unknown"

func main() {
	if len(os.Args) > 1 && os.Args[1] == "version" {
		fmt.Println(version)
		return
	}
	if len(os.Args) > 1 && os.Args[1] == "all" {
		os.Exit(all(os.Args[2:], os.Stdout, os.Stderr))
	}
	os.Exit(node.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
