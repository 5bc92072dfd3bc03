// Standin is what runs in the pods of the tests: servers that say a name, in the
// place of an application and of its sidecar, and the client that asks for it.
package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"
)

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: standin serve NAME=PORT... | ask ADDRESS:PORT...")
		os.Exit(2)
	}
	var err error
	switch os.Args[1] {
	case "serve":
		err = serve(os.Args[2:])
	case "ask":
		for _, address := range os.Args[2:] {
			err = errors.Join(err, ask(address))
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// serve says each name to whoever connects to its port.
func serve(servers []string) error {
	failed := make(chan error)
	for _, s := range servers {
		name, port, _ := strings.Cut(s, "=")
		listener, err := net.Listen("tcp", ":"+port)
		if err != nil {
			return err
		}
		go func() {
			for {
				connection, err := listener.Accept()
				if err != nil {
					failed <- err
					return
				}
				io.WriteString(connection, name)
				connection.Close()
			}
		}()
	}
	return <-failed
}

// patience is how long a server may take to begin to listen.
const patience = 10 * time.Second

// ask prints an address and the name of whoever takes a connection to it.
func ask(address string) error {
	for until := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		connection, err := net.DialTimeout("tcp", address, patience)
		if errors.Is(err, syscall.ECONNREFUSED) && time.Now().Before(until) {
			continue
		}
		if err != nil {
			return err
		}
		connection.SetDeadline(until.Add(patience))
		name, err := io.ReadAll(connection)
		if err != nil {
			return err
		}
		fmt.Printf("%s=%s\n", address, name)
		return nil
	}
}
