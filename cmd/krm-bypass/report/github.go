package report

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/terminal"
)

// gitHubCommands are the workflow commands by severity.
var gitHubCommands = map[fn.Severity]string{fn.Error: "error", fn.Warning: "warning", fn.Info: "notice"}

// What a workflow command says, and its properties, are escaped so
// (actions/toolkit packages/core/src/command.ts, escapeData and escapeProperty).
var (
	gitHubData     = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	gitHubProperty = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

// writeGitHub writes workflow commands of GitHub Actions, which shows each beside
// its line, and a summary for the log.
func writeGitHub(w io.Writer, r Check) error {
	var b bytes.Buffer
	for _, s := range r.Subjects {
		for _, f := range s.Findings {
			fmt.Fprintf(&b, "::%s ", gitHubCommands[f.Severity])
			file, line := r.at(s, f)
			if file != "" {
				fmt.Fprintf(&b, "file=%s,", gitHubProperty.Replace(file))
			}
			if line > 0 {
				fmt.Fprintf(&b, "line=%d,", line)
			}
			message := terminal.Printable([]byte(s.message(f)))
			fmt.Fprintf(&b, "title=%s::%s\n", gitHubProperty.Replace("krm-bypass: "+f.Rule), gitHubData.Replace(string(message)))
		}
	}
	for _, doubt := range r.Doubts {
		fmt.Fprintf(&b, "::warning title=krm-bypass::%s\n", gitHubData.Replace(string(terminal.Printable([]byte(doubt)))))
	}
	if r.Nothing != "" {
		fmt.Fprintf(&b, "::error title=krm-bypass::%s\n", gitHubData.Replace(r.Nothing))
	}
	r.writeSummary(&b)
	return writeLines(w, &b)
}
