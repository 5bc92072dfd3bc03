// Command peer reads a ResourceList and writes it again with kyaml's
// ByteReadWriter, as every function does that stands on kyaml, and does nothing
// between the two.
package main

import (
	"fmt"
	"os"

	"sigs.k8s.io/kustomize/kyaml/kio"
)

func main() {
	if err := pass(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func pass() error {
	list := &kio.ByteReadWriter{Reader: os.Stdin, Writer: os.Stdout, KeepReaderAnnotations: true}
	items, err := list.Read()
	if err != nil {
		return fmt.Errorf("reading the list: %w", err)
	}
	if err := list.Write(items); err != nil {
		return fmt.Errorf("writing the list: %w", err)
	}
	return nil
}
