// Command krm-bypass-fn is the KRM function of krm-bypass and nothing else: it
// starts faster, and there is no kustomize and no network code in it.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/krm-bypass/krm-bypass/cmd/internal/function"
	"github.com/krm-bypass/krm-bypass/fn"
)

func main() {
	function.Starting()
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

func run(args []string, in io.Reader, out, errOut io.Writer) int {
	flags := flag.NewFlagSet(function.Alone, flag.ContinueOnError)
	flags.SetOutput(io.Discard) // what is wrong is said as everywhere else
	namespace, version := function.AddFlags(flags)
	flags.VisitAll(func(f *flag.Flag) { f.Value = &single{Value: f.Value} })
	err := flags.Parse(args)
	out = function.Output(out)
	switch {
	case errors.Is(err, flag.ErrHelp), err == nil && function.IsTerminal(in): // waiting for input would only puzzle who sits there
		var text bytes.Buffer
		fmt.Fprintf(&text, "%s\n\nFlags:\n", function.Help)
		flags.SetOutput(&text)
		flags.VisitAll(func(f *flag.Flag) { f.Value = f.Value.(*single).Value }) // by their types they are described
		flags.PrintDefaults()
		return function.Exit(function.Print(out, text.Bytes()), errOut)
	case err != nil:
		return function.Exit(fmt.Errorf("reading the command line: %w: see krm-bypass-fn --help", err), errOut)
	case flags.NArg() > 0:
		return function.Exit(fmt.Errorf("%q is not a command of krm-bypass-fn, which is the function alone: use krm-bypass", flags.Arg(0)), errOut)
	case *version:
		return function.Exit(function.Print(out, fmt.Appendf(nil, "krm-bypass-fn version %s\n", function.Version())), errOut)
	}
	return function.Exit(function.Apply(in, out, errOut, fn.Options{Namespace: *namespace}), errOut)
}

// single is a flag's value that may be given once.
type single struct {
	flag.Value
	once function.Once
}

// Set takes the value.
func (s *single) Set(value string) error { return s.once.Set(s.Value, value) } //nolint:wrapcheck // package flag says which flag it is

// IsBoolFlag says that the flag may stand without a value.
func (s *single) IsBoolFlag() bool {
	b, is := s.Value.(interface{ IsBoolFlag() bool })
	return is && b.IsBoolFlag()
}
