package main

import (
	"bytes"
	"cmp"
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
	"github.com/spf13/pflag"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/cmd/internal/function"
)

// make dist has TestShipped write what goes into the archives beside the programs.
var (
	into    = flag.String("into", "", "folder to write man pages and scripts for completion to")
	shipped = flag.String("shipped", "dev", "version that the man pages name")
)

// completionFiles are the names under which each shell looks for a script
// (bash-completion README.md, "FAQ"; zsh's fpath wants _NAME; fish its completions folder).
var completionFiles = map[string]string{"bash": "krm-bypass.bash", "zsh": "_krm-bypass", "fish": "krm-bypass.fish", "powershell": "krm-bypass.ps1"}

// TestShipped makes a man page of each command, of the text and the flags that --help and
// docs/commands.md have, and the script of each shell.
func TestShipped(t *testing.T) {
	folder := cmp.Or(*into, t.TempDir())
	t.Setenv("ARGOCD_APP_NAMESPACE", "") // else it is the default of --namespace
	t.Setenv("HELM_NAMESPACE", "")
	root := program()
	write := func(path string, text []byte) {
		path = filepath.Join(folder, path)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, text, 0o644))
	}
	for shell, file := range completionFiles {
		code, script, errOut := krmBypass("", "completion", shell)
		require.Zero(t, code, errOut)
		require.Contains(t, script, cobra.ShellCompRequestCmd, shell)
		write(filepath.Join("completions", file), []byte(script))
	}
	assert.Len(t, completionFiles, len(completions))
	created := created(t)
	for _, cmd := range append(root.Commands(), root, functionAlone()) {
		if cmd.Hidden || cmd.Name() == "help" {
			continue
		}
		long := cmd.Long
		cmd.Long = markdown(long)
		cmd.DisableAutoGenTag = true
		var page bytes.Buffer
		require.NoError(t, doc.GenMan(cmd, &doc.GenManHeader{Section: "1", Date: &created, Source: programName + " " + *shipped, Manual: "krm-bypass"}, &page))
		text := strings.ReplaceAll(page.String(), `\-`, "-")
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) { assert.Contains(t, text, "--"+f.Name, cmd.CommandPath()) })
		for line := range strings.Lines(long) {
			assert.Contains(t, strings.Join(strings.Fields(plainRoff(text)), " "), strings.Join(strings.Fields(line), " "), cmd.CommandPath())
		}
		write(filepath.Join("man", strings.ReplaceAll(cmd.CommandPath(), " ", "-")+".1"), page.Bytes())
	}
}

// functionAlone is the other program as a command, of the text and the flags that it has.
func functionAlone() *cobra.Command {
	cmd := &cobra.Command{Use: function.Alone, Short: "The KRM function of krm-bypass, without its commands", Long: function.Help, Run: func(*cobra.Command, []string) {}}
	flags := flag.NewFlagSet(function.Alone, flag.ContinueOnError)
	function.AddFlags(flags)
	cmd.Flags().AddGoFlagSet(flags)
	return cmd
}

// plainRoff gives the text in which roff sees nothing of its own.
func plainRoff(text string) string {
	return strings.NewReplacer(`\(aq`, "'", `\(ga`, "`", `\\`, `\`, `\&`, "", `\e`, `\`, `\(lq`, `"`, `\(rq`, `"`).Replace(text)
}

// created is the one time in what a release ships, as in the images.
func created(t *testing.T) time.Time {
	t.Helper()
	seconds, err := strconv.ParseInt(cmp.Or(os.Getenv("SOURCE_DATE_EPOCH"), "0"), 10, 64)
	require.NoError(t, err)
	return time.Unix(seconds, 0).UTC()
}

func TestCompletion(t *testing.T) {
	for _, test := range []struct {
		words []string
		want  []string
	}{
		{[]string{"che"}, []string{"check"}},
		{[]string{"completion", ""}, []string{"bash", "fish", "powershell", "zsh"}},
		{[]string{"check", "--outp"}, []string{"--output"}},
		{[]string{"check", "-o", "s"}, []string{"sarif"}},
		{[]string{"explain", "--output", "h"}, []string{"html"}},
		{[]string{"probe", "--expect", ""}, []string{"bypassed", "intercepted"}},
		{[]string{"render", "--mesh", "Lin"}, []string{"Linkerd"}},
		{[]string{"init", "--for", "kust"}, []string{"kustomize"}},
		{[]string{"lint", "--explain", "strict-m"}, []string{"strict-mtls"}},
	} {
		t.Run(strings.Join(test.words, " "), func(t *testing.T) {
			code, out, _ := krmBypass("", append([]string{cobra.ShellCompNoDescRequestCmd}, test.words...)...)
			assert.Zero(t, code)
			lines := strings.Split(strings.TrimSpace(out), "\n")
			var found []string
			for _, line := range lines[:len(lines)-1] { // the last says how to complete
				if strings.HasPrefix(line, test.words[len(test.words)-1]) {
					found = append(found, line)
				}
			}
			assert.Equal(t, test.want, found)
		})
	}
}

// kubectl finds the program under another name, and what it says has that name.
func TestAsAPluginOfKubectl(t *testing.T) {
	was := os.Args
	defer func() { os.Args = was }()
	for path, want := range map[string]string{
		"krm-bypass":                            "krm-bypass",
		"/opt/kubectl-krm_bypass":               "kubectl krm-bypass",
		"/opt/kubectl-krm_bypass.exe":           "kubectl krm-bypass",
		"/usr/local/bin/kubectl-krm_bypass-old": "krm-bypass",
	} {
		os.Args = []string{path}
		var out, errOut bytes.Buffer
		assert.Zero(t, run([]string{"check", "--help"}, strings.NewReader(""), &out, &errOut))
		assert.Contains(t, out.String(), "Usage:\n  "+want+" check PATH...|- [flags]\n")
		assert.Equal(t, 1, run([]string{"chek"}, strings.NewReader(""), &out, &errOut))
		assert.Equal(t, `error: "chek" is not a command of `+want+`: did you mean check? see `+want+" --help\n", errOut.String())
	}
}
