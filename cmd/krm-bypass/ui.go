package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/krm-bypass/krm-bypass/cmd/internal/function"
	"github.com/krm-bypass/krm-bypass/cmd/krm-bypass/page"
)

const uiHelp = `ui serves a page on this machine that shows what bypasses the sidecars of the
workloads in the manifests, and why. It answers what becomes of one connection, lists
the findings, and changes the specification: it shows what a change does before you
save it.

It prints an address. Open it in a browser: it works once, and for that browser only.
The page contacts nobody, and writes no file but the specification that --spec names,
and that one when you save. Press Ctrl-C to end it.`

type uiFlags struct {
	listen, now string
	readOnly    bool
}

func uiCommand() *cobra.Command {
	var in inputs
	var flags uiFlags
	cmd := &cobra.Command{
		Use:   "ui PATH...",
		Short: "See and change in a browser what bypasses",
		Long:  uiHelp,
		Args:  needManifests,
		RunE:  func(cmd *cobra.Command, args []string) error { return serve(cmd, in, args, flags) },
	}
	in.addFlags(cmd)
	cmd.Flags().StringVar(&flags.listen, "listen", "127.0.0.1:0", "address to listen on; port 0 takes a free one")
	cmd.Flags().BoolVar(&flags.readOnly, "read-only", false, "change nothing")
	addNowFlag(cmd, &flags.now)
	return cmd
}

func serve(cmd *cobra.Command, in inputs, paths []string, flags uiFlags) error {
	today, err := day(flags.now)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", flags.listen)
	if err != nil {
		return fmt.Errorf("--listen: %w", err)
	}
	options := page.Options{Version: function.Version}
	if flags.readOnly {
		options.ReadOnly = "it was started with --read-only"
	}
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		return fmt.Errorf("--listen: %w", err)
	}
	hosts := []string{"127.0.0.1:" + port, "[::1]:" + port, "localhost:" + port}
	guard := page.NewGuard(page.New(&tree{in: in, paths: paths, today: today}, options), hosts, port)
	server := &http.Server{Handler: guard, ReadHeaderTimeout: 10 * time.Second}
	ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	fmt.Fprintf(cmd.OutOrStdout(), "Open http://%s/?token=%s\nPress Ctrl-C to end.\n", listener.Addr(), guard.Token())
	go func() {
		<-ctx.Done()
		soon, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = server.Shutdown(soon) // it ends anyway
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving the page: %w", err)
	}
	return nil
}
