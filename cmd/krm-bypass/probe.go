package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/krm-bypass/krm-bypass/cmd/internal/function"
	"github.com/krm-bypass/krm-bypass/internal/probe"
	"github.com/krm-bypass/krm-bypass/internal/spelling"
)

const probeHelp = `probe asks URLs and says of each whether the answer came through a sidecar, by the
marks that sidecars leave in the header of an answer and in certificates.

A URL begins with http:// or https://, and a GET request is sent to it; redirects
are not followed, and no proxy of the environment is used. With tcp:// and a port
there is a TLS handshake and nothing else. Whatever certificate is shown is looked
at and none is verified: probe observes, it does not authenticate. Do not give it
secrets.

A mark shows that a sidecar was on the way, the caller's or the server's. The
absence of a mark proves nothing: a proxy can be configured not to leave one, and
ztunnel, which takes the traffic of ambient pods, leaves none.

The exit code is
  0  if everything could be asked and is as --expect says,
  1  if something is not as expected,
  2  if something could not be asked, or the command line is wrong.`

// unexpected is the exit code of a probe of which something is contrary to
// --expect.
const unexpected = 1

// expectations are the values of --expect and what each hopes for.
var expectations = map[string]probe.Verdict{"bypassed": probe.Unmarked, "intercepted": probe.Intercepted}

func probeCommand() *cobra.Command {
	var expect, form string
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:   "probe URL...",
		Short: "Ask a URL whether its answers come through a sidecar",
		Long:  probeHelp,
		Args:  need("asks URLs: name some", "http://10.0.0.1:8080/"),
		RunE: func(cmd *cobra.Command, args []string) error {
			targets, err := probeTargets(args, expect, form, timeout)
			if err != nil {
				return err
			}
			prober := probe.Prober{Timeout: timeout}
			answers := make([]probe.Answer, len(targets))
			for i, target := range targets {
				answers[i] = prober.Ask(cmd.Context(), target)
			}
			text, err := probeOutputs[form](answers, expectations[expect])
			if err != nil {
				return err
			}
			if err := output(cmd, []byte(text)); err != nil {
				return err
			}
			if code := probeCode(answers, expectations[expect]); code != 0 {
				return function.WithCode(function.ErrReported, code)
			}
			return nil
		},
	}
	failsWith(cmd, couldNotTell)
	flags := cmd.Flags()
	flags.StringVar(&expect, "expect", "", "the answer that exits 0: bypassed or intercepted")
	flags.StringVarP(&form, "output", "o", "text", "output format: text or json")
	completes(cmd, "expect", slices.Sorted(maps.Keys(expectations)))
	completes(cmd, "output", slices.Sorted(maps.Keys(probeOutputs)))
	flags.DurationVar(&timeout, "timeout", 5*time.Second, "how long to wait for each URL")
	return cmd
}

func probeTargets(args []string, expect, form string, timeout time.Duration) ([]*url.URL, error) {
	switch {
	case expect != "" && expectations[expect] == "":
		return nil, fmt.Errorf("--expect: %s", spelling.Refusal(expect, slices.Sorted(maps.Keys(expectations))))
	case probeOutputs[form] == nil:
		return nil, fmt.Errorf("--output: %s", spelling.Refusal(form, slices.Sorted(maps.Keys(probeOutputs))))
	case timeout <= 0:
		return nil, fmt.Errorf("--timeout: %v is no time to wait: write one such as 5s", timeout)
	}
	targets := make([]*url.URL, len(args))
	for i, arg := range args {
		target, err := probe.Target(arg)
		if err != nil {
			return nil, err
		}
		targets[i] = target
	}
	return targets, nil
}

// probeCode gives the exit code. What is contrary to the expectation counts more
// than what is not known.
func probeCode(answers []probe.Answer, expected probe.Verdict) int {
	code := 0
	for _, a := range answers {
		switch {
		case contrary(a, expected):
			return unexpected
		case a.Verdict == probe.Unknown:
			code = couldNotTell
		}
	}
	return code
}

// contrary says whether an answer is known and not as expected.
func contrary(a probe.Answer, expected probe.Verdict) bool {
	return expected != "" && a.Verdict != expected && a.Verdict != probe.Unknown
}

// probeOutputs write answers; expected is "" where nothing is.
var probeOutputs = map[string]func(answers []probe.Answer, expected probe.Verdict) (string, error){
	"text": probeText,
	"json": probeJSON,
}

func probeText(answers []probe.Answer, expected probe.Verdict) (string, error) {
	var b strings.Builder
	table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, a := range answers {
		fmt.Fprintf(table, "%s\t%s\t%s\n", a.URL, a.Verdict, probeWords(a, expected))
	}
	err := table.Flush()
	return b.String(), err
}

// probeWords says what was found, and that it is not what was expected.
func probeWords(a probe.Answer, expected probe.Verdict) string {
	words := a.Reason
	switch a.Verdict {
	case probe.Intercepted:
		seen := make([]string, len(a.Signs))
		for i, s := range a.Signs {
			seen[i] = fmt.Sprintf("%s (%s)", s.Seen, s.By)
		}
		words = strings.Join(seen, ", ")
	case probe.Unmarked:
		words = "no mark of a sidecar: bypassed as far as can be seen"
	}
	if contrary(a, expected) {
		words = "NOT AS EXPECTED: " + words
	}
	return words
}

func probeJSON(answers []probe.Answer, expected probe.Verdict) (string, error) {
	type judged struct {
		probe.Answer
		// Expected is absent where nothing is.
		Expected *bool `json:"asExpected,omitempty"`
	}
	all := make([]judged, len(answers))
	for i, a := range answers {
		all[i].Answer = a
		if expected != "" {
			as := a.Verdict == expected
			all[i].Expected = &as
		}
	}
	text, err := json.MarshalIndent(all, "", "  ")
	return string(text) + "\n", err
}
