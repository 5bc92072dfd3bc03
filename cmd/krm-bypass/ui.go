package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/krm-bypass/krm-bypass/api/v1alpha1"
	"github.com/krm-bypass/krm-bypass/cmd/internal/function"
	"github.com/krm-bypass/krm-bypass/cmd/krm-bypass/page"
	"github.com/krm-bypass/krm-bypass/internal/kustomization"
	"github.com/krm-bypass/krm-bypass/internal/revision"
)

const uiHelp = `ui serves a page on this machine that shows what bypasses the sidecars of the
workloads in the manifests, and why. It answers what becomes of one connection, lists
the findings, and changes the specification: it shows what a change does before you
save it.

It prints an address. Open it in a browser: it works once, and for that browser only.
Press Ctrl-C to end it; closing the browser does not.

The page contacts nobody, and writes no file but the specification when you save, and
the manifests where you ask for what render --in-place does. The specification is the
file that --spec names, or the one ClusterBypass among the manifests or that their
kustomization lists. It has to be below the working folder. Where --spec is given
several times, the page changes the first one and reads the others. With --before it
says what changed since an earlier state, as explain does.

Nobody but this machine reaches the page. With --listen on another address, other
machines do: what is sent is not encrypted, nothing can be changed without --write,
and --host gives the names by which they may call it.`

type uiFlags struct {
	listen, now, before string
	hosts               []string
	readOnly, write     bool
}

func uiCommand() *cobra.Command {
	var in inputs
	var flags uiFlags
	cmd := &cobra.Command{
		Use:   "ui PATH...",
		Short: "See and change in a browser what bypasses",
		Long:  uiHelp,
		Args:  need("needs files or folders", "manifests/ --spec bypass.yaml"),
		RunE:  func(cmd *cobra.Command, args []string) error { return serve(cmd, in, args, flags) },
	}
	in.addFlags(cmd)
	cmd.Flags().StringVar(&flags.listen, "listen", "127.0.0.1:0", "address to listen on; port 0 takes a free one")
	cmd.Flags().StringArrayVar(&flags.hosts, "host", nil, "further name by which browsers may call the page, such as build.example.com; once for each")
	cmd.Flags().BoolVar(&flags.readOnly, "read-only", false, "change nothing")
	cmd.Flags().BoolVar(&flags.write, "write", false, "allow changes although other machines reach the page")
	cmd.Flags().StringVar(&flags.before, "before", "", "git revision, folder or specification to compare with")
	allowOne(cmd, "read-only", "write")
	addNowFlag(cmd, &flags.now)
	return cmd
}

// door is where the page is reached.
type door struct {
	net.Listener
	port string
	// hosts are the names by which it may be called, the first of which is printed.
	hosts []string
	// open says that other machines reach it.
	open bool
}

func (f *uiFlags) door() (*door, error) {
	host, port, err := net.SplitHostPort(f.listen)
	if err != nil {
		return nil, fmt.Errorf("--listen: %q is no address with a port: write one such as 127.0.0.1:8080", f.listen)
	}
	ip := net.ParseIP(host)
	d := &door{open: host != "localhost" && !ip.IsLoopback()}
	everywhere := host == "" || ip.IsUnspecified()
	if everywhere && len(f.hosts) == 0 {
		return nil, fmt.Errorf("--listen: %s is all addresses of this machine: say with --host what other machines call it, as in --host build.example.com, or listen on 127.0.0.1:%s", f.listen, port)
	}
	if d.Listener, err = net.Listen("tcp", f.listen); err != nil {
		return nil, fmt.Errorf("--listen: %w", err)
	}
	_, d.port, _ = net.SplitHostPort(d.Addr().String()) // which it has just made
	for _, name := range f.hosts {
		if strings.ContainsAny(name, "/@ *,") || name == "" {
			return nil, errors.Join(fmt.Errorf("--host: %q is no name of a machine: write one such as build.example.com", name), d.Close())
		}
		if _, _, err := net.SplitHostPort(name); err != nil {
			name = net.JoinHostPort(strings.Trim(name, "[]"), d.port)
		}
		d.hosts = append(d.hosts, strings.ToLower(name))
	}
	if d.open && !everywhere {
		d.hosts = append(d.hosts, strings.ToLower(net.JoinHostPort(host, d.port)))
	}
	here := []string{"127.0.0.1:" + d.port, "[::1]:" + d.port, "localhost:" + d.port}
	if d.open {
		d.hosts = append(d.hosts, here...)
		return d, nil
	}
	// Only what it listens on can be opened: 127.0.0.2 is of this machine, too.
	listened := net.JoinHostPort(host, d.port)
	here = slices.Insert(slices.DeleteFunc(here, func(name string) bool { return name == listened }), 0, listened)
	d.hosts = append(here, d.hosts...)
	return d, nil
}

// mayChange says why nothing can be changed, "" if it can.
func (f *uiFlags) mayChange(open bool) string {
	switch {
	case f.readOnly:
		return "it was started with --read-only"
	case open && !f.write:
		return "other machines reach it, and it was started without --write"
	}
	return ""
}

func serve(cmd *cobra.Command, in inputs, paths []string, flags uiFlags) error {
	today, err := day(flags.now)
	if err != nil {
		return err
	}
	if slices.Contains(paths, standardInput) || slices.Contains(in.specs, standardInput) {
		return errors.New("standard input can be read only once, and the page reads again when files change: name files or folders instead")
	}
	tree, err := newTree(in, paths, flags.before, today)
	if err != nil {
		return err
	}
	tree.ahead = afterwards
	at, err := flags.door()
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	readOnly := flags.mayChange(at.open)
	guard := page.NewGuard(page.New(tree, page.Options{Version: function.Version(), ReadOnly: readOnly, Given: in.given()}), at.hosts, at.port)
	server := &http.Server{
		Handler: guard, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 5 * time.Minute, WriteTimeout: 5 * time.Minute, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 64 << 10, BaseContext: func(net.Listener) context.Context { return ctx },
	}
	go func() { _, _ = tree.See(ctx, nil) }() // it is there when the browser asks
	if at.open {
		may := "can see what bypasses, and change nothing without --write"
		if readOnly == "" && tree.spec != "" {
			may = "can see what bypasses, and change " + tree.spec
		}
		tell(cmd, "warning", fmt.Sprintf("--listen %s: other machines reach this page. Whoever opens the address below first %s. Nothing is encrypted: whoever listens in between can take the address", flags.listen, may))
	}
	if len(in.specs) > 1 {
		tell(cmd, "info", fmt.Sprintf("the page changes %s; the other specifications are read", cmp.Or(tree.spec, "none of them")))
	}
	if err := output(cmd, fmt.Appendf(nil, "Open http://%s/?token=%s\nPress Ctrl-C to end.\n", at.hosts[0], guard.Token())); err != nil {
		return errors.Join(err, at.Close())
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		<-ctx.Done()
		soon, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		_ = server.Shutdown(soon) // it ends anyway
	}()
	if err := server.Serve(at); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving the page: %w", err)
	}
	<-ended // what is being saved is saved
	return nil
}

// newTree makes the tree of the page. What nobody can mend while it runs is an error.
func newTree(in inputs, paths []string, before string, today v1alpha1.Date) (*tree, error) {
	in.reading.kept = &texts{}
	t := &tree{in: in, paths: paths, before: before, today: today}
	for _, path := range paths {
		if err := readableAgain(path); err != nil {
			return nil, fmt.Errorf("reading manifests: %w", err)
		}
		if _, err := os.Stat(path); err != nil {
			return nil, fmt.Errorf("reading manifests: %w", pathError(err))
		}
	}
	switch {
	case len(in.specs) == 0:
		t.spec, t.none = soughtSpec(in, paths)
	case kustomizationOf(in.specs[0]) != "":
		t.none = whyMade(kustomization.File(kustomizationOf(in.specs[0])))
	default:
		t.spec = in.specs[0]
		if _, err := specAgain(t.spec); err != nil {
			return nil, err
		}
	}
	if before != "" { // a misspelt revision stays one
		nothing := func(inputs, []string, *revision.Tree) error { return nil }
		if err := earlierState(aside(context.Background(), io.Discard), in, paths, before, nothing); err != nil {
			return nil, err
		}
	}
	if t.spec != "" {
		t.target = targetOf(t.spec)
		t.watch(stamps{t.spec: stampOf(t.spec)})
	}
	return t, nil
}
