// A provider that misbehaves on command, and a driver that calls any provider: see README.md.
package main

import (
	"fmt"
	"os"
)

func main() {
	if len(os.Args) < 2 {
		usage()
	}
	switch os.Args[1] {
	case "serve":
		serve(os.Args[2:])
	case "call":
		call(os.Args[2:])
	default:
		usage()
	}
}

func usage() {
	fmt.Fprintln(os.Stderr, "usage: provider serve|call, see README.md")
	os.Exit(2)
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "provider:", err)
	os.Exit(1)
}
