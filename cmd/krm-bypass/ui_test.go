package main

import (
	"bufio"
	"io"
	"net/http"
	"net/http/cookiejar"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// served runs ui until the test ends, which a signal does, and gives the address that it
// prints.
func served(t *testing.T, args ...string) (address string) {
	t.Helper()
	out, printed := io.Pipe()
	code := make(chan int, 1)
	go func() { code <- run(append([]string{"ui"}, args...), strings.NewReader(""), printed, io.Discard) }()
	lines := bufio.NewScanner(out)
	require.True(t, lines.Scan())
	address, opens := strings.CutPrefix(lines.Text(), "Open ")
	require.True(t, opens, lines.Text())
	require.True(t, lines.Scan())
	require.Equal(t, "Press Ctrl-C to end.", lines.Text())
	t.Cleanup(func() {
		require.NoError(t, syscall.Kill(os.Getpid(), syscall.SIGTERM))
		select {
		case is := <-code:
			assert.Equal(t, 0, is, "the exit code")
		case <-time.After(20 * time.Second):
			t.Error("it does not end")
		}
	})
	return address
}

// opened gives a browser that has opened an address.
func opened(t *testing.T, address string) (client *http.Client, at string) {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	client = &http.Client{Jar: jar}
	answer, err := client.Get(address)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	require.Equal(t, http.StatusOK, answer.StatusCode)
	assert.NotContains(t, answer.Request.URL.String(), "token")
	return client, "http://" + answer.Request.URL.Host
}

// body gives what an answer says.
func body(t *testing.T, answer *http.Response, err error) string {
	t.Helper()
	require.NoError(t, err)
	defer answer.Body.Close() //nolint:errcheck // it is only read
	text, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return string(text)
}

// TestThePageOfTheRealProgram opens the page, has other programs change and spoil the
// files, and hears of it.
func TestThePageOfTheRealProgram(t *testing.T) {
	laidOut(t, map[string]string{"bypass.yaml": treeSpec, "m/web.yaml": treePod})
	address := served(t, "m", "--spec", "bypass.yaml")
	client, at := opened(t, address)
	answer, err := http.Get(address)
	assert.Contains(t, body(t, answer, err), "used already")
	answer, err = client.Get(at + "/")
	assert.Contains(t, body(t, answer, err), "shop")

	news, err := client.Get(at + "/events?since=1")
	require.NoError(t, err)
	defer news.Body.Close() //nolint:errcheck // it is only read
	require.NoError(t, os.WriteFile("m/web.yaml", []byte(strings.ReplaceAll(treePod, "web", "other")), 0o600))
	lines, told := bufio.NewScanner(news.Body), false
	for !told && lines.Scan() {
		told = lines.Text() == "event: changed"
	}
	assert.True(t, told, "a change of the files")
	answer, err = client.Get(at + "/")
	assert.Contains(t, body(t, answer, err), "other")

	require.NoError(t, os.Remove("bypass.yaml"))
	answer, err = client.Get(at + "/")
	assert.Contains(t, body(t, answer, err), "no such file")
	for _, text := range []string{"spec: [", "\x00", ""} {
		require.NoError(t, os.WriteFile("bypass.yaml", []byte(text), 0o600))
		for _, view := range []string{"/", "/findings", "/rules", "/connection", "/save", "/workload?of=x"} {
			answer, err = client.Get(at + view)
			assert.NotEmpty(t, body(t, answer, err))
			assert.Less(t, answer.StatusCode, 500, "%s of %q", view, text)
		}
	}
}

// TestWhoElseReachesThePage listens where other machines are, and is told so.
func TestWhoElseReachesThePage(t *testing.T) {
	for name, test := range map[string]struct {
		flags  uiFlags
		hosts  string
		open   bool
		reason string
	}{
		"here":                     {uiFlags{listen: "127.0.0.1:0"}, "127.0.0.1 [::1] localhost", false, ""},
		"here, by name":            {uiFlags{listen: "localhost:0"}, "localhost 127.0.0.1 [::1]", false, ""},
		"here, at another address": {uiFlags{listen: "127.0.0.2:0"}, "127.0.0.2 127.0.0.1 [::1] localhost", false, ""},
		"here, and nothing else":   {uiFlags{listen: "127.0.0.1:0", readOnly: true}, "127.0.0.1 [::1] localhost", false, "--read-only"},
		"here, through a tunnel":   {uiFlags{listen: "127.0.0.1:0", hosts: []string{"Build.example.com"}}, "127.0.0.1 [::1] localhost build.example.com", false, ""},
		"everywhere":               {uiFlags{listen: "0.0.0.0:0", hosts: []string{"build.example.com"}}, "build.example.com 127.0.0.1 [::1] localhost", true, "without --write"},
		"everywhere, and writing":  {uiFlags{listen: ":0", hosts: []string{"b.example.com", "c.example.com"}, write: true}, "b.example.com c.example.com 127.0.0.1 [::1] localhost", true, ""},
		"everywhere, read-only":    {uiFlags{listen: "[::]:0", hosts: []string{"b.example.com"}, readOnly: true}, "b.example.com 127.0.0.1 [::1] localhost", true, "--read-only"},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := test.flags.door()
			require.NoError(t, err)
			defer func() { require.NoError(t, d.Close()) }()
			assert.Equal(t, test.hosts, strings.ReplaceAll(strings.Join(d.hosts, " "), ":"+d.port, ""))
			assert.Equal(t, test.open, d.open)
			if reason := test.flags.mayChange(d.open); test.reason == "" {
				assert.Empty(t, reason)
			} else {
				assert.Contains(t, reason, test.reason)
			}
		})
	}
}

// TestWhatIsNotWritten has the page say so before somebody types.
func TestWhatIsNotWritten(t *testing.T) {
	for name, test := range map[string]struct {
		spec  string
		spoil func(t *testing.T, outside string)
		says  string
	}{
		"a file below the working folder": {"bypass.yaml", func(*testing.T, string) {}, ""},
		"a link within it":                {"link.yaml", func(t *testing.T, _ string) { require.NoError(t, os.Symlink("bypass.yaml", "link.yaml")) }, ""},
		"a link out of it":                {"link.yaml", func(t *testing.T, outside string) { require.NoError(t, os.Symlink(outside+"/b.yaml", "link.yaml")) }, "is not below the working folder"},
		"a folder that is a link out":     {"out/b.yaml", func(t *testing.T, outside string) { require.NoError(t, os.Symlink(outside, "out")) }, "is not below the working folder"},
		"a file elsewhere":                {"", func(*testing.T, string) {}, "is not below the working folder"},
		"a file without permission":       {"bypass.yaml", func(t *testing.T, _ string) { require.NoError(t, os.Chmod("bypass.yaml", 0o400)) }, "nobody may write it"},
	} {
		t.Run(name, func(t *testing.T) {
			outside := t.TempDir()
			require.NoError(t, os.WriteFile(outside+"/b.yaml", []byte(treeSpec), 0o600))
			laidOut(t, map[string]string{"bypass.yaml": treeSpec, "m/web.yaml": treePod})
			test.spoil(t, outside)
			if test.spec == "" {
				test.spec = outside + "/b.yaml"
			}
			tree, err := newTree(inputs{specs: []string{test.spec}}, []string{"m"}, "", "2026-11-28")
			require.NoError(t, err)
			spec, err := tree.Spec()
			require.NoError(t, err)
			assert.Equal(t, treeSpec, string(spec.Text))
			err = tree.Save([]byte(treeSpec), []byte("new"))
			if test.says == "" {
				require.NoError(t, err)
				assert.Empty(t, spec.Locked)
				text, err := os.ReadFile("bypass.yaml")
				require.NoError(t, err)
				assert.Equal(t, "new", string(text))
				return
			}
			assert.Contains(t, spec.Locked, test.says)
			require.ErrorContains(t, err, test.says)
			text, err := os.ReadFile(outside + "/b.yaml")
			require.NoError(t, err)
			assert.Equal(t, treeSpec, string(text))
		})
	}
}

// TestUIEndsWhereBeforeNamesNothing: a page would look as if nothing had been asked for.
func TestUIEndsWhereBeforeNamesNothing(t *testing.T) {
	laidOut(t, map[string]string{"bypass.yaml": treeSpec, "m/web.yaml": treePod, "n/web.yaml": treePod, "was/web.yaml": treePod})
	committed(t, ".")
	for args, says := range map[string]string{
		"m --before NOPE":  `error: --before: "NOPE" is neither a file or folder nor a revision of the git repository `,
		"m n --before was": "error: --before: the folder was can take the place of one folder only: name one folder as PATH",
	} {
		code, out, errOut := krmBypass("", append([]string{"ui", "--spec", "bypass.yaml"}, strings.Fields(args)...)...)
		assert.NotZero(t, code, args)
		assert.Empty(t, out, "no address")
		assert.Contains(t, errOut, says)
	}
}

// TestUIReadsNothingThatIsPiped: a flag for that would do nothing.
func TestUIReadsNothingThatIsPiped(t *testing.T) {
	code, out, errOut := krmBypass("", "ui", "m", "--built-from", "m")
	assert.NotZero(t, code)
	assert.Empty(t, out)
	assert.Contains(t, errOut, "--built-from is not a flag of krm-bypass ui")
}
