package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/rules"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// call is what a command line says.
type call struct {
	command          command
	settings         traffic.Settings
	backend          string
	onFailure        string
	allowHostNetwork bool
	here             bool
	endConnections   bool
	terminationLog   string
	// to and from are what the user asks check about, and connection what they say.
	to, from   string
	connection traffic.Connection
}

// The values of --on-failure.
const (
	onFailureFail     = "fail"
	onFailureContinue = "continue"
)

// continues reports whether a failure is only a warning.
func (c call) continues() bool {
	return c.onFailure == onFailureContinue && c.command.name == commandApply
}

// parse reads a command line. Its error names everything that is wrong at once, as
// far as possible, and comes with what it could read.
func parse(args []string) (call, error) {
	c := call{command: commands[0]}
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		i := slices.IndexFunc(commands, func(k command) bool { return k.name == args[0] })
		if i < 0 {
			c.terminationLog = terminationLog
			return c, fmt.Errorf("unknown command %q: give one of %q", args[0], commandNames())
		}
		c.command, args = commands[i], args[1:]
	}
	values := map[traffic.Field][]string{}
	flags := c.flags(values)
	for name, run := range map[string]func(session) error{"version": printVersion, "help": printHelp, "h": printHelp} {
		flags.BoolFunc(name, "", func(string) error {
			c.command = command{name: name, run: run}
			return nil
		})
	}
	if err := flags.Parse(args); err != nil || c.command.summary == "" {
		return c, err
	}
	var problems []error
	if flags.NArg() > 0 {
		problems = append(problems, fmt.Errorf("expected a flag instead of %q", flags.Arg(0)))
	}
	problems = append(problems,
		oneOf("backend", c.backend, rules.Names),
		oneOf("on-failure", c.onFailure, []string{onFailureFail, onFailureContinue}),
	)
	if c.endConnections && c.onFailure == onFailureContinue {
		problems = append(problems, errors.New("--end-connections with --on-failure=continue: after a failure connections would go on that nothing lets bypass: take --on-failure away"))
	}
	var err error
	c.settings, err = traffic.ParseArguments(values)
	problems = append(problems, err)
	if c.command.name == commandCheck {
		c.connection, err = c.asked()
		problems = append(problems, err)
	}
	return c, errors.Join(problems...)
}

// flags are the flags of all commands. A command ignores those that mean nothing to
// it, so that a container's arguments work for apply, verify and check alike.
func (c *call) flags(values map[traffic.Field][]string) *flag.FlagSet {
	flags := flag.NewFlagSet(program, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.Usage = func() {}
	for _, f := range traffic.Fields {
		flags.Func(f.Flag(), "", func(value string) error {
			values[f] = append(values[f], value)
			return nil
		})
	}
	flags.StringVar(&c.backend, "backend", rules.Auto, "")
	flags.StringVar(&c.onFailure, "on-failure", onFailureFail, "")
	flags.BoolVar(&c.allowHostNetwork, "allow-host-network", false, "")
	flags.BoolVar(&c.here, "here", false, "")
	flags.BoolVar(&c.endConnections, "end-connections", false, "")
	flags.StringVar(&c.terminationLog, "termination-log", terminationLog, "")
	flags.StringVar(&c.to, "to", "", "")
	flags.StringVar(&c.from, "from-port", "", "")
	return flags
}

func oneOf(flag, value string, allowed []string) error {
	if slices.Contains(allowed, value) {
		return nil
	}
	return fmt.Errorf("--%s: unknown value %q: give one of %q", flag, value, allowed)
}
