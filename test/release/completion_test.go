package release

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Each prints what a shell offers behind the line in LINE, with the script in the folder
// COMPLETIONS.
var shells = map[string][]string{
	"bash": {"bash", "--norc", "-c", `
		source /usr/share/bash-completion/bash_completion
		source "$COMPLETIONS/krm-bypass.bash"
		COMP_LINE=$LINE COMP_POINT=${#LINE} COMP_TYPE=63 COMP_KEY=9
		read -ra COMP_WORDS <<<"$LINE"
		[[ $LINE != *' ' ]] || COMP_WORDS+=('')
		COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
		__start_krm-bypass
		printf '%s\n' "${COMPREPLY[@]}"`},
	"fish": {"fish", "--no-config", "-c", `
		source $COMPLETIONS/krm-bypass.fish
		complete --do-complete "$LINE"`},
	// zsh completes for somebody at a terminal alone: zpty is one. It shows the line, and
	// then what it offers.
	"zsh": {"zsh", "-f", "-c", `
		zmodload zsh/zpty
		zpty shell zsh -f -i
		zpty -w shell "PS1=; fpath=($COMPLETIONS \$fpath); autoload -U compinit; compinit -u -D; bindkey '^I' list-choices; print RE''ADY"
		zpty -r -m shell seen '*READY*'
		zpty -w -n shell "$LINE"$'\t'
		zpty -r -m shell seen "*$LAST*"
		zpty -d shell
		print -r -- "$seen"`},
}

// onTerminal is what a terminal does not print.
var onTerminal = regexp.MustCompile(`\x1b\[[0-9;?]*[A-Za-z]|[\x00\r]`)

// patience bounds how long a shell may take that offers something else.
const patience = time.Minute

func TestCompletion(t *testing.T) {
	folder := installed(t)
	for shell, command := range shells {
		for line, want := range map[string][]string{
			"krm-bypass ex":              {"explain"},
			"krm-bypass completion ":     {"bash", "fish", "powershell", "zsh"},
			"krm-bypass check -o j":      {"json", "junit"},
			"krm-bypass render --mesh L": {"Linkerd"},
		} {
			t.Run(shell+" "+line, func(t *testing.T) {
				program, err := exec.LookPath(command[0])
				require.NoError(t, err, "hack/packages.txt names its package")
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				run := exec.CommandContext(ctx, program, command[1:]...)
				run.Env = append(os.Environ(), "PATH="+folder+":"+os.Getenv("PATH"), "COMPLETIONS="+filepath.Join(folder, "completions"),
					"LINE="+line, "LAST="+want[len(want)-1], "HOME="+t.TempDir(), "TERM=xterm", "LC_ALL=C.UTF-8")
				said, err := run.CombinedOutput()
				require.NoError(t, err, "%s", said)
				for _, w := range want {
					assert.Contains(t, strings.Fields(onTerminal.ReplaceAllString(string(said), " ")), w, "%s", said)
				}
				assert.NotContains(t, string(said), "sarif", "it begins otherwise")
			})
		}
	}
}
