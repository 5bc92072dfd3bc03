package readers

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "rewrite testdata/table.md, then fail")

// A row is an odd text.
type row struct {
	name, text string
	// fine says that there is nothing to refuse: we have to read what kubectl
	// reads.
	fine bool
}

// A section is rows of one kind.
type section struct {
	title string
	rows  []row
}

var table = []section{
	{"Plain documents", plainRows},
	{"Keys that appear twice", slices.Concat(twiceRows(), twiceMore)},
	{"Keys spelled otherwise", spelledRows},
	{"Merge keys, anchors and aliases", mergeRows},
	{"Lists", listRows},
	{"Separators and document ends", separatorRows},
	{"Directives and tags", tagRows},
	{"Line breaks, byte order marks, encodings and control characters", byteRows},
	{"JSON", jsonRows},
	{"Values", valueRows},
	{"Text that is no manifest", otherRows},
}

// TestTable holds our reading of every row to the judges', and prints what each
// reader says.
func TestTable(t *testing.T) {
	var b strings.Builder
	b.WriteString(`# What four readers say of odd documents

Written by go test -update; the texts are in the tests. A cell lists the pod
templates that a reader sees, with their annotations: "in" and "out" are Istio's
excludeInboundPorts and excludeOutboundPorts. "error" says that it refuses the text,
or the rest of it after what the cell lists. Argo CD reads a file in a folder
slightly differently from what a tool prints; the cell gives both where they differ.
`)
	names := map[string]bool{}
	count, refused := 0, 0
	for _, section := range table {
		fmt.Fprintf(&b, "\n## %s\n\n| document | kubectl | kustomize | Argo CD | krm-bypass |\n|---|---|---|---|---|\n", section.title)
		for _, row := range section.rows {
			require.False(t, names[row.name], "two rows are called %s", row.name)
			names[row.name] = true
			o := readByAll([]byte(row.text))
			check(t, row, o)
			b.WriteString(o.line(row.name))
			count++
			if o.ours.Err != nil {
				refused++
			}
		}
	}
	t.Logf("%d documents, %d of them refused by us", count, refused)

	const golden = "testdata/table.md"
	if *update {
		require.NoError(t, os.WriteFile(golden, []byte(b.String()), 0o644))
		t.Fatalf("%s is written anew; read the difference and commit it", golden)
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	assert.Equal(t, string(want), b.String(), "%s is out of date; go test -update rewrites it", golden)
}

func check(t *testing.T, row row, o outcome) {
	t.Helper()
	fault := o.fault()
	if fault == "" && row.fine {
		if o.ours.Err != nil {
			fault = "we refuse it"
		} else if !slices.Equal(o.ours.keys(), o.judges[0].keys()) {
			fault = "we see other templates than kubectl"
		}
	}
	if fault != "" {
		t.Errorf("%s: %s\n  %q\n%s", row.name, fault, row.text, o.report())
	}
}

// line is the row of the table.
func (o outcome) line(name string) string {
	argo := o.judges[2].String()
	if folder := o.judges[3].String(); folder != argo {
		argo += "; in a folder: " + folder
	}
	cells := []string{name, o.judges[0].String(), o.judges[1].String(), argo, o.ours.String()}
	for i, cell := range cells {
		cell = strings.NewReplacer("|", `\|`, "\n", `\n`, "\r", `\r`, "\u0085", `\N`).Replace(cell)
		cells[i] = strings.TrimSpace(cell)
	}
	return "| " + strings.Join(cells, " | ") + " |\n"
}
