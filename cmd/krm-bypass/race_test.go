package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/test/racing"
)

// TestMain lets a test run this program again as another process, which takes part in a race.
func TestMain(m *testing.M) {
	if os.Getenv(racing.Key) != "" {
		race()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// race runs init in each folder that standard input names, at the time beside it, and prints
// the exit code and what init says.
func race() {
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		folder, when, _ := strings.Cut(in.Text(), " ")
		at, err := strconv.ParseInt(when, 10, 64)
		if err != nil {
			panic(err)
		}
		racing.WaitUntil(at)
		var out, said bytes.Buffer
		code := run([]string{"init", folder, "--write"}, strings.NewReader(""), &out, &said)
		fmt.Printf("%d %q\n", code, said.String())
	}
}

// TestOfSeveralInitsOneWrites has four of them begin in one folder at the same moment. The
// others find what the first wrote, and none takes back what another one listed.
func TestOfSeveralInitsOneWrites(t *testing.T) {
	listed := "resources:\n- web.yaml\ntransformers:\n- bypass.yaml\n"
	racers := []racing.Racer{racing.New(t, "init"), racing.New(t, "init"), racing.New(t, "init"), racing.New(t, "init")}
	for round := range 100 {
		dir := folder(t, map[string]string{"kustomization.yaml": "resources:\n- web.yaml\n", "web.yaml": webDeployment})
		at := time.Now().Add(5 * time.Millisecond).UnixNano()
		for _, r := range racers {
			_, err := fmt.Fprintf(r.Asks, "%s %d\n", dir, at)
			require.NoError(t, err)
		}
		wrote := 0
		for _, r := range racers {
			require.True(t, r.Says.Scan())
			require.Regexp(t, "^0 ", r.Says.Text(), "round %d", round)
			if strings.Contains(r.Says.Text(), "bypass.yaml is written") {
				wrote++
			}
		}
		left := contents(t, dir)
		require.Equal(t, listed, left["kustomization.yaml"], "round %d", round)
		require.Contains(t, left, "bypass.yaml", "round %d", round)
		require.Len(t, left, 3, "no temporary file is left")
		require.Equal(t, 1, wrote, "round %d", round)
	}
}

// TestASpecThatAppearsMeanwhileIsLeftAlone: no lock keeps an editor away.
func TestASpecThatAppearsMeanwhileIsLeftAlone(t *testing.T) {
	path := filepath.Join(folder(t, map[string]string{"bypass.yaml": "mine"}), "bypass.yaml")
	require.EqualError(t, writeNew(path, []byte("new")), "writing "+path+": another program has written it meanwhile: run again")
	assert.Equal(t, "mine", contents(t, filepath.Dir(path))["bypass.yaml"])
}
