package report

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "rewrite the golden files, and fail")

// written gives a report in a format.
func written[Report any](t require.TestingT, formats Formats[Report], name string, r Report) string {
	format, err := formats.ByName(name)
	require.NoError(t, err)
	var b bytes.Buffer
	require.NoError(t, format.Write(&b, r))
	return b.String()
}

// testFormats holds every format of some reports against the golden files in a
// folder.
func testFormats[Report any](t *testing.T, folder string, formats Formats[Report], reports map[string]Report) {
	for of, r := range reports {
		for _, format := range formats {
			t.Run(of+" "+format.Name, func(t *testing.T) {
				got := written(t, formats, format.Name, r)
				path := filepath.Join("testdata", folder, of+"."+format.Name)
				want, err := os.ReadFile(path)
				if *update && (err != nil || string(want) != got) {
					require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
					t.Fatalf("%s is rewritten: read the difference, then run without -update", path)
				}
				require.NoError(t, err)
				assert.Equal(t, string(want), got, "go test ./cmd/krm-bypass/report -update writes it")
				assert.ErrorContains(t, format.Write(brokenWriter{}, r), "no space left")
			})
		}
	}
}

func TestUnknownFormat(t *testing.T) {
	_, err := CheckFormats.ByName("table")
	require.EqualError(t, err, `"table" is not valid: use one of text, json, yaml, sarif, junit, github, gitlab`)
	_, err = ExplanationFormats.ByName("xml")
	require.EqualError(t, err, `"xml" is not valid: use one of table, wide, json, yaml, csv, markdown`)
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("no space left") }
