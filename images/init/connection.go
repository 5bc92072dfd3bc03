package main

import (
	"errors"
	"fmt"

	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// asked gives what the user asks check about.
func (c call) asked() (traffic.Connection, error) {
	flag, text, read := "--to", c.to, traffic.ParseOutbound
	switch {
	case (c.to == "") == (c.from == ""):
		return traffic.Connection{}, errors.New("check needs one of --to IP:PORT[/UDP] and --from-port PORT[/UDP]")
	case c.to == "":
		flag, text, read = "--from-port", c.from, traffic.ParseInbound
	}
	connection, err := read(text)
	if err != nil {
		return traffic.Connection{}, fmt.Errorf("%s: %w", flag, err)
	}
	return connection, nil
}
