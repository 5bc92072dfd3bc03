package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/reread"
	"github.com/krm-bypass/krm-bypass/internal/resourcelist"
)

// share says of how many of the Deployments that the function wrote the second reader
// knows everything. It reads a list whole, so it is a process of its own.
func share(list io.Reader, out io.Writer) error {
	text, err := io.ReadAll(list)
	if err != nil {
		return err
	}
	written, err := resourcelist.Read(text)
	if err != nil {
		return err
	}
	all, answered := 0, 0
	for i := range written.Len() {
		item := written.Item(i)
		if !strings.Contains(string(item.Text), "Deployment") {
			continue
		}
		read, err := edit.Read(item)
		if err != nil {
			return fmt.Errorf("reading items[%d]: %w", i, err)
		}
		all++
		if reread.Confirms(item.Text, item.Column, read.Nodes.Content[0]) {
			answered++
		}
	}
	_, err = fmt.Fprintln(out, strconv.FormatFloat(float64(answered)/float64(max(all, 1)), 'f', 3, 64))
	return err
}

// shareOf is the share for an input.
func shareOf(function string, in input, deployments int) (string, error) {
	list, err := temporary(func(w io.Writer) error { return in.writeList(w, deployments) })
	if err != nil {
		return "", err
	}
	defer discard(list)
	command := exec.Command("sh", "-c", `"$0" <"$1" | "$2" --share`, function, list.Name(), os.Args[0])
	command.Stderr = os.Stderr
	said, err := command.Output()
	return strings.TrimSpace(string(said)), err
}
