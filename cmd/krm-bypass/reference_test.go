package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const commandsHead = `# Every command

This page is generated from the commands themselves, which print the same with --help:
` + "`go test ./cmd/krm-bypass -run TestCommandsPage -update`" + `.
`

// TestCommandsPage holds docs/commands.md equal to the commands and their flags, and to what
// the other programs print.
func TestCommandsPage(t *testing.T) {
	const path = "../../docs/commands.md"
	var b strings.Builder
	b.WriteString(commandsHead)
	root := program()
	describe(&b, root)
	for _, cmd := range root.Commands() {
		if !cmd.Hidden && cmd.Name() != "help" {
			describe(&b, cmd)
		}
	}
	for _, other := range []struct{ name, source string }{{"krm-bypass-fn", "../krm-bypass-fn"}, {"krm-bypass-init", "../../images/init"}} {
		help, err := exec.Command("go", "run", other.source, "--help").Output()
		require.NoError(t, err, other.source)
		require.NotContains(t, string(help), "```")
		fmt.Fprintf(&b, "\n## %s\n\n```text\n%s\n```\n", other.name, strings.TrimSpace(string(help)))
	}
	have, err := os.ReadFile(path)
	if !os.IsNotExist(err) {
		require.NoError(t, err)
	}
	if string(have) != b.String() && *update {
		require.NoError(t, os.WriteFile(path, []byte(b.String()), 0o644))
		t.Fatalf("%s was rewritten: read the difference, then run without -update", path)
	}
	assert.Equal(t, b.String(), string(have))
}

// describe writes the section of a command, and those of its own commands.
func describe(b *strings.Builder, cmd *cobra.Command) {
	cmd.InitDefaultHelpFlag()
	fmt.Fprintf(b, "\n## %s\n\n```text\n%s\n```\n\n", cmd.CommandPath(), cmd.UseLine())
	b.WriteString(markdown(cmd.Long))
	b.WriteString("\n| flag | default | meaning |\n|---|---|---|\n")
	cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" {
			return
		}
		name := "`--" + f.Name + "`"
		if f.Shorthand != "" {
			name = "`-" + f.Shorthand + "`, " + name
		}
		value := "`" + f.DefValue + "`"
		if f.DefValue == "" || f.DefValue == "[]" {
			value = ""
		}
		fmt.Fprintf(b, "| %s | %s | %s |\n", name, value, strings.ReplaceAll(plainMarkdown(f.Usage), "|", `\|`))
	})
	for _, sub := range cmd.Commands() {
		if cmd.HasParent() && !sub.Hidden {
			describe(b, sub)
		}
	}
}

// markdown gives the long text of a command, with what is indented as code.
func markdown(long string) string {
	var b strings.Builder
	for i, block := range strings.Split(strings.TrimSpace(long), "\n\n") {
		if i > 0 {
			b.WriteString("\n")
		}
		if strings.HasPrefix(block, "  ") {
			fmt.Fprintf(&b, "```text\n%s\n```\n", strings.ReplaceAll(block[2:], "\n  ", "\n"))
			continue
		}
		b.WriteString(plainMarkdown(block) + "\n")
	}
	return b.String()
}

// plainMarkdown gives a text in which Markdown sees nothing of its own.
func plainMarkdown(text string) string {
	return strings.NewReplacer("<", "&lt;", "*", `\*`, "_", `\_`).Replace(text)
}
