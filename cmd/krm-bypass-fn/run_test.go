package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/cmd/internal/function"
	"github.com/krm-bypass/krm-bypass/fn"
)

func TestRun(t *testing.T) {
	list, err := os.ReadFile("../../testdata/golden/namespaces/require-namespace-fails-for-enrolment/input.yaml")
	require.NoError(t, err)
	spec, err := os.ReadFile("../../testdata/golden/namespaces/require-namespace-fails-for-enrolment/spec.yaml")
	require.NoError(t, err)
	indented := func(text []byte, first string) string {
		return first + strings.ReplaceAll(strings.TrimSpace(string(text)), "\n", "\n  ") + "\n"
	}
	input := "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems:\n" + indented(list, "- ") + "functionConfig:\n" + indented(spec, "  ")

	for name, test := range map[string]struct {
		args           []string
		code           int
		out, errOut    string // parts of them, "" for none
		asTheFunctions fn.Options
	}{
		"the function":         {nil, 1, "kind: ResourceList", "error: ", fn.Options{}},
		"with a namespace":     {[]string{"--namespace=shop"}, 0, "kind: ResourceList", "", fn.Options{Namespace: "shop"}},
		"help":                 {[]string{"--help"}, 0, function.Help, "", fn.Options{}},
		"version":              {[]string{"--version"}, 0, "krm-bypass-fn version " + function.Version(), "", fn.Options{}},
		"an unknown flag":      {[]string{"--spec=a"}, 1, "", "error: reading the command line: flag provided but not defined: -spec: see krm-bypass-fn --help\n", fn.Options{}},
		"another's command":    {[]string{"render", "."}, 1, "", `error: "render" is not a command of krm-bypass-fn, which is the function alone: use krm-bypass` + "\n", fn.Options{}},
		"a flag twice":         {[]string{"--namespace=a", "--namespace", "b"}, 1, "", "error: reading the command line: invalid value \"b\" for flag -namespace: it is given twice, and \"a\" would count for nothing: give one: see krm-bypass-fn --help\n", fn.Options{}},
		"an empty flag twice":  {[]string{"--namespace=", "--namespace=b"}, 1, "", `it is given twice, and "" would count for nothing`, fn.Options{}},
		"a switch twice":       {[]string{"--version", "--version"}, 1, "", "it is given twice", fn.Options{}},
		"a flag without value": {[]string{"--namespace"}, 1, "", "error: reading the command line: flag needs an argument: -namespace: see krm-bypass-fn --help\n", fn.Options{}},
	} {
		t.Run(name, func(t *testing.T) {
			var out, errOut bytes.Buffer
			assert.Equal(t, test.code, run(test.args, strings.NewReader(input), &out, &errOut))
			assert.Contains(t, out.String(), test.out)
			assert.Contains(t, errOut.String(), test.errOut)
			assert.Equal(t, test.out == "", out.Len() == 0)
			assert.Equal(t, test.errOut == "", errOut.Len() == 0, errOut.String())
			if strings.HasPrefix(out.String(), "apiVersion") {
				want, _, _ := fn.Process([]byte(input), test.asTheFunctions)
				assert.Equal(t, string(want), out.String())
			}
		})
	}
}

// TestWhatCannotBePrintedFails has standard output closed as the runtime sees it.
func TestWhatCannotBePrintedFails(t *testing.T) {
	for _, arg := range []string{"--help", "--version"} {
		closed, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
		require.NoError(t, err)
		var errOut bytes.Buffer
		assert.Equal(t, 1, run([]string{arg}, strings.NewReader(""), closed, &errOut), arg)
		assert.Equal(t, "error: writing standard output: it is closed: send it into a file, as in > out.yaml\n", errOut.String())
		require.NoError(t, closed.Close())
	}
}
