package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime/debug"
	"slices"
	"time"

	"github.com/krm-bypass/krm-bypass/internal/each"
	"github.com/krm-bypass/krm-bypass/internal/rules"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// session is a call and its surroundings.
type session struct {
	call
	env         func(string) string
	out, stderr io.Writer
}

func (s session) print(what, text string) error {
	if _, err := io.WriteString(s.out, text); err != nil {
		return fmt.Errorf("printing %s: %w", what, err)
	}
	return nil
}

// command is something that the program can do.
type command struct {
	name, summary string
	run           func(session) error
}

// The commands that parsing knows.
const (
	commandApply = "apply"
	commandCheck = "check"
)

// commands are in the order in which the help lists them. The first is the default.
var commands = []command{
	{commandApply, "load the rules into the kernel and read them back (the default)", apply},
	{"show", "print the rules as nft -f or iptables-restore loads them; needs no privilege", show},
	{"verify", "compare the kernel's rules with the flags; exit 1 on any difference", verify},
	{"clean", "remove the rules", clean},
	{commandCheck, "say what happens to one connection under the flags; needs no privilege", check},
}

func commandNames() []string {
	return each.As(commands, func(c command) string { return c.name })
}

func apply(s session) error {
	start := time.Now()
	err := errors.Join(s.refuseOutside(), s.refuseNode())
	var choice rules.Choice
	var opened rules.Opened
	if err == nil && s.endConnections {
		opened, err = rules.Standing(s.settings)
	}
	if err == nil {
		choice, err = rules.Apply(s.backend, s.settings)
	}
	if err != nil {
		return fmt.Errorf("applying the bypass: %w", err)
	}
	logger := s.logger(choice)
	if opened != nil {
		ended, err := opened.End(s.settings)
		if err != nil {
			return fmt.Errorf("ending what bypassed before: %w", err)
		}
		logger = logger.With("ended", ended)
	}
	logger.Info("bypass applied",
		"backend", choice.Name, "reason", choice.Reason,
		"ports", entries(s.settings, traffic.ExcludeInboundPorts, traffic.IncludeInboundPorts, traffic.ExcludeOutboundPorts, traffic.IncludeOutboundPorts),
		"ranges", entries(s.settings, traffic.ExcludeOutboundIPRanges, traffic.IncludeOutboundIPRanges),
		"pairs", entries(s.settings, traffic.ExcludeOutbound),
		"duration", time.Since(start).Round(time.Microsecond))
	found, _, err := rules.Verify(choice.Name, s.settings)
	if err == nil {
		err = found.Err()
	}
	if err != nil {
		s.logger(choice).Warn("the bypass may not hold", "because", err)
	}
	return nil
}

// logger says which form the rules have, where that is not the usual one.
func (s session) logger(choice rules.Choice) *slog.Logger {
	logger := slog.New(slog.NewTextHandler(s.stderr, nil))
	if choice.Form != "" {
		logger = logger.With("form", choice.Form)
	}
	return logger
}

// entries counts the fewest entries with which a user could write the fields.
func entries(s traffic.Settings, fields ...traffic.Field) int {
	layer, count := s.Layer(), 0
	for _, f := range fields {
		list, _ := layer.Entries(f)
		count += len(list)
	}
	return count
}

func show(s session) error {
	text, err := rules.Show(s.backend, s.settings)
	if err != nil {
		return fmt.Errorf("showing the rules: %w", err)
	}
	return s.print("the rules", text)
}

func verify(s session) error {
	found, by, err := rules.Verify(s.backend, s.settings)
	if err != nil {
		return fmt.Errorf("verifying the bypass: %w", err)
	}
	if len(found) > 0 {
		return fmt.Errorf("verifying the bypass: the kernel (%s) differs from what the flags ask for: %s", by.Name, found)
	}
	if by.Form != "" {
		s.logger(by).Info("bypass verified", "backend", by.Name)
	}
	return nil
}

func clean(s session) error {
	err := s.refuseNode()
	if err == nil {
		err = rules.Clean(s.backend)
	}
	if err != nil {
		return fmt.Errorf("cleaning up: %w", err)
	}
	return nil
}

func check(s session) error {
	connection := s.connection
	own, err := s.own()
	if err != nil {
		return fmt.Errorf("checking a connection: %w", err)
	}
	if slices.Contains(own, connection.Address) {
		connection.Loopback = true
	}
	decision := s.settings.Decide(connection)
	answer := decision.Verdict.String()
	if decision.By != "" {
		answer += " by " + string(decision.By)
	}
	return s.print("the answer", answer+"\n")
}

// version is set by the build: -ldflags "-X main.version=v0.1.0".
var version string

func printVersion(s session) error {
	v := version
	if build, ok := debug.ReadBuildInfo(); v == "" && ok {
		v = build.Main.Version
	}
	return s.print("the version", program+" "+v+"\n")
}
