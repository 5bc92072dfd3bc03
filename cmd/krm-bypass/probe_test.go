package main

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
)

// answering gives the URL of a server whose answers have a header Server.
func answering(t *testing.T, name string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Server", name)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestProbe(t *testing.T) {
	sidecar, application := answering(t, "istio-envoy"), answering(t, "gunicorn")
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	nobody := closed.URL
	tests := []struct {
		name string
		args []string
		code int
		says []string
	}{
		{"nothing is expected", []string{sidecar, application}, 0, []string{
			sidecar + "  intercepted  server: istio-envoy (Istio)\n",
			application + "  unmarked     no mark of a sidecar: bypassed as far as can be seen\n",
		}},
		{"as expected of a sidecar", []string{"--expect", "intercepted", sidecar}, 0, []string{"intercepted"}},
		{"as expected of a bypass", []string{"--expect=bypassed", application, application}, 0, []string{"unmarked"}},
		{"a sidecar where none is expected", []string{"--expect", "bypassed", application, sidecar}, 1, []string{"NOT AS EXPECTED: server: istio-envoy (Istio)\n"}},
		{"none where one is expected", []string{"--expect", "intercepted", application}, 1, []string{"NOT AS EXPECTED: no mark of a sidecar"}},
		{"nobody answers", []string{nobody}, 2, []string{"unknown", "connection refused"}},
		{"nobody answers where a bypass is expected", []string{"--expect", "bypassed", nobody, application}, 2, []string{"unknown"}},
		{"what is contrary counts more than what is unknown", []string{"--expect", "bypassed", nobody, sidecar}, 1, []string{"unknown", "NOT AS EXPECTED"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			code, out, errOut := krmBypass("", append([]string{"probe"}, test.args...)...)
			assert.Equal(t, test.code, code)
			for _, says := range test.says {
				assert.Contains(t, out, says)
			}
			assert.Empty(t, errOut)
		})
	}
}

func TestProbeAsJSON(t *testing.T) {
	sidecar := answering(t, "istio-envoy")
	code, out, errOut := krmBypass("", "probe", "-o", "json", "--expect", "bypassed", sidecar)
	assert.Equal(t, 1, code)
	assert.JSONEq(t, `[{"url": "`+sidecar+`", "address": "`+sidecar[len("http://"):]+`", "verdict": "intercepted", "status": 200,
  "signs": [{"by": "Istio", "seen": "server: istio-envoy"}], "asExpected": false}]`, out)
	assert.Empty(t, errOut)

	code, out, _ = krmBypass("", "probe", "-o", "json", sidecar)
	assert.Zero(t, code)
	assert.NotContains(t, out, "asExpected", "nothing is expected")
}

func TestProbeWithAWrongCommandLine(t *testing.T) {
	tests := []struct {
		args []string
		says string
	}{
		{nil, "error: probe asks URLs: name some, as in krm-bypass probe http://10.0.0.1:8080/\n"},
		{[]string{"10.0.0.1"}, `error: "10.0.0.1" is not a URL that probe can ask: begin it with http://, https:// or tcp:// and a host` + "\n"},
		{[]string{"--expect", "passed", "http://10.0.0.1"}, `error: --expect: "passed" is not valid: did you mean bypassed?` + "\n"},
		{[]string{"-o", "yaml", "http://10.0.0.1"}, `error: --output: "yaml" is not valid: use one of json, text` + "\n"},
		{[]string{"--timeout", "0s", "http://10.0.0.1"}, "error: --timeout: 0s is no time to wait: write one such as 5s\n"},
		{[]string{"--timeouts", "1s"}, "error: --timeouts is not a flag of krm-bypass probe: did you mean --timeout? see krm-bypass probe --help\n"},
	}
	for _, test := range tests {
		t.Run(test.says, func(t *testing.T) {
			code, out, errOut := krmBypass("", append([]string{"probe"}, test.args...)...)
			assert.Equal(t, couldNotTell, code, "a script must not take it for an answer")
			assert.Empty(t, out)
			assert.Equal(t, test.says, errOut)
		})
	}
}
