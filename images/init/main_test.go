package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

var update = flag.Bool("update", false, "rewrite the expected files, then fail")

// answer is what a call of the program came to.
type answer struct {
	Code   int    `yaml:"code"`
	Out    string `yaml:"out"`
	Stderr string `yaml:"stderr"`
}

// noEnvironment is an environment without variables.
func noEnvironment(string) string { return "" }

func call1(env func(string) string, args ...string) answer {
	var out, stderr bytes.Buffer
	code := run(args, env, &out, &stderr)
	return answer{code, out.String(), stderr.String()}
}

// TestCommandLines runs what needs neither a kernel nor a privilege.
func TestCommandLines(t *testing.T) {
	var cases []struct {
		Name   string   `yaml:"name"`
		Args   []string `yaml:"args"`
		answer `yaml:",inline"`
	}
	readYAML(t, "testdata/command-lines.yaml", &cases)
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			assert.Equal(t, c.answer, call1(noEnvironment, append(c.Args, "--termination-log=")...))
		})
	}
}

func readYAML(t *testing.T, file string, into any) {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	require.NoError(t, decoder.Decode(into))
}

// Each folder of testdata/show has the arguments, a line each, and the rules as
// each backend's own command loads them (test/kernel/program has it do so).
func TestShow(t *testing.T) {
	folders, err := filepath.Glob("testdata/show/*")
	require.NoError(t, err)
	require.NotEmpty(t, folders)
	for _, folder := range folders {
		for backend, file := range map[string]string{"auto": "ruleset.nft", "iptables": "rules.iptables"} {
			t.Run(filepath.Base(folder)+" by "+backend, func(t *testing.T) {
				args, err := os.ReadFile(filepath.Join(folder, "arguments"))
				require.NoError(t, err)
				got := call1(noEnvironment, append([]string{"show", "--backend=" + backend}, strings.Split(strings.TrimSuffix(string(args), "\n"), "\n")...)...)
				assert.Equal(t, answer{Out: got.Out}, got)
				golden(t, filepath.Join(folder, file), got.Out)
			})
		}
	}
}

func TestShowRefusesWhatIptablesWould(t *testing.T) {
	ranges := make([]string, 5000)
	for i := range ranges {
		ranges[i] = fmt.Sprintf("10.%d.%d.0/25", i/256, i%256)
	}
	got := call1(noEnvironment, "show", "--backend=iptables", "--termination-log=", "--exclude-outbound-ip-ranges="+strings.Join(ranges, ","))
	assert.Equal(t, failed, got.Code)
	assert.Empty(t, got.Out)
	assert.True(t, strings.HasPrefix(got.Stderr, "krm-bypass-init: showing the rules: chain KRM_BYPASS_OUTPUT would have 5002 rules for IPv4, and "), got.Stderr)
}

func TestHelp(t *testing.T) {
	got := call1(noEnvironment, "--help")
	assert.Equal(t, answer{Out: got.Out}, got)
	golden(t, "testdata/help.txt", got.Out)
	for _, args := range [][]string{{"-h"}, {"verify", "--help"}} {
		assert.Equal(t, got, call1(noEnvironment, args...))
	}
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	want, err := os.ReadFile(file)
	if *update && got != string(want) {
		require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
		t.Errorf("%s is rewritten: look at the difference, then run the test without -update", file)
		return
	}
	require.NoError(t, err, "run the test with -update")
	assert.Equal(t, string(want), got)
}

func TestVersion(t *testing.T) {
	version = "v1.2.3"
	t.Cleanup(func() { version = "" })
	assert.Equal(t, answer{Out: "krm-bypass-init v1.2.3\n"}, call1(noEnvironment, "--version"))
}

func FuzzCommandLines(f *testing.F) {
	f.Add("show\n--exclude-inbound-ports=7001,8000-8010\n--exclude-outbound-ip-ranges=10.0.0.0/8,fd00::/8")
	f.Add("check\n--to=[fd00::1]:53/UDP\n--exclude-outbound\n10.1.0.0/16@5432/TCP,fd00::/8@53-54/UDP")
	f.Add("check\n--from-port=1\n--include-inbound-ports=")
	f.Add("--backend=iptables\n-h")
	f.Add("show\n--exclude-outbound-ports=65536")
	f.Fuzz(func(t *testing.T, lines string) {
		c, err := parse(strings.Split(lines, "\n"))
		if err != nil || c.command.name != "show" && c.command.name != "check" {
			return // the others are for the kernel to answer
		}
		got := call1(noEnvironment, append(strings.Split(lines, "\n"), "--termination-log=")...)
		codes := []int{succeeded, misused}
		if c.backend == "iptables" {
			codes = append(codes, failed) // by lists that are too long for it
		}
		assert.Contains(t, codes, got.Code)
		assert.Equal(t, got.Code == succeeded, got.Out != "", "an answer or an error: %q", got)
		assert.Equal(t, got.Code == succeeded, got.Stderr == "", "an answer or an error: %q", got)
	})
}

// A call to the pod's own address goes over loopback, and the program knows the address
// where it runs in the pod.
func TestCheckKnowsThePodsOwnAddress(t *testing.T) {
	for to, answer := range map[string]string{
		"10.244.0.2:80":          "left to the mesh\n",
		"[::ffff:10.244.0.2]:80": "left to the mesh\n",
		"10.244.0.3:80":          "bypassed by excludeOutboundPorts\n",
		"0.0.0.0:80":             "left to the mesh\n",
		"[::]:80":                "left to the mesh\n",
	} {
		env := func(name string) string { return map[string]string{podIPVariable: "10.244.0.2"}[name] }
		got := call1(env, "check", "--exclude-outbound-ports=80", "--to="+to)
		assert.Equal(t, answer, got.Out, "%s: %s", to, got.Stderr)
	}
	assert.Equal(t, "bypassed by excludeOutboundPorts\n", call1(noEnvironment, "check", "--exclude-outbound-ports=80", "--to=10.244.0.2:80").Out)
}

// All addresses of the pod are its own, and what cannot be read is not taken for none.
func TestCheckReadsThePodsAddresses(t *testing.T) {
	for _, test := range []struct{ ip, ips, to, answer, err string }{
		{"10.244.0.2", "10.244.0.2,fd00:244::2", "[fd00:244::2]:80", "left to the mesh\n", ""},
		{"", "10.244.0.2, fd00:244::2", "10.244.0.2:80", "left to the mesh\n", ""},
		{"10.244.0.2", "10.244.0.2,fd00:244::2", "[fd00:244::3]:80", "bypassed by excludeOutboundPorts\n", ""},
		{"10.244.0.2,fd00:244::2", "", "10.244.0.2:80", "", `KRM_BYPASS_POD_IP: "10.244.0.2,fd00:244::2" is not an address: give the pod's, or several in KRM_BYPASS_POD_IPS`},
		{"garbage", "", "10.244.0.2:80", "", `KRM_BYPASS_POD_IP: "garbage" is not an address: give the pod's, or several in KRM_BYPASS_POD_IPS`},
		{"10.244.0.2", "garbage", "10.244.0.2:80", "", `KRM_BYPASS_POD_IPS: "garbage" is not an address: give the pod's, or several in KRM_BYPASS_POD_IPS`},
	} {
		env := func(name string) string {
			return map[string]string{podIPVariable: test.ip, podIPsVariable: test.ips}[name]
		}
		got := call1(env, "check", "--termination-log=", "--exclude-outbound-ports=80", "--to="+test.to)
		assert.Equal(t, test.answer, got.Out, "%+v: %s", test, got.Stderr)
		if test.err != "" {
			assert.Equal(t, "krm-bypass-init: checking a connection: reading "+test.err+"\n", got.Stderr)
			assert.Equal(t, failed, got.Code)
		}
	}
}

// A pipe is opened for writing only when somebody reads it.
func TestAPipeThatNobodyReadsIsNotWaitedFor(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	done := make(chan answer, 1)
	go func() { done <- call1(noEnvironment, "apply", "--termination-log="+pipe, "--no-such-flag") }()
	select {
	case got := <-done:
		assert.Equal(t, misused, got.Code)
	case <-time.After(10 * time.Second):
		t.Error("still waiting for a reader")
	}
}

// What could fetch, or be asked for anything, is not linked in.
func TestTheProgramFetchesNothing(t *testing.T) {
	linked, err := exec.Command("go", "list", "-deps", ".").Output()
	require.NoError(t, err)
	packages := strings.Fields(string(linked))
	require.Contains(t, packages, "github.com/google/nftables")
	for _, network := range []string{"net/http", "net/rpc", "crypto/tls"} {
		assert.NotContains(t, packages, network)
	}
}
