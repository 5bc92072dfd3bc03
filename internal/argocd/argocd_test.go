package argocd

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestRead(t *testing.T) {
	for name, c := range map[string]struct {
		app, parameters string
		shared          bool
		want            map[string]string
		err             string
	}{
		"none":                         {app: "shop", want: map[string]string{}},
		"an empty list":                {app: "shop", parameters: `[]`, want: map[string]string{}},
		"null":                         {app: "shop", parameters: `null`, want: map[string]string{}},
		"all":                          {app: "shop", parameters: `[{"name":"spec","string":"../b.yaml"},{"name":"mesh","string":"Kuma"},{"name":"image","string":"i"}]`, want: map[string]string{Spec: "../b.yaml", Mesh: "Kuma", Image: "i"}},
		"one taken back":               {app: "shop", parameters: `[{"name":"spec","string":""}]`, want: map[string]string{}},
		"fields of a later Argo CD":    {app: "shop", parameters: `[{"name":"spec","string":"b","sensitive":true}]`, want: map[string]string{Spec: "b"}},
		"those of another program":     {app: "shop", parameters: `[{"name":"values-files","array":["a"]},{"name":"mesh","string":"OSM"}]`, shared: true, want: map[string]string{Mesh: "OSM"}},
		"somebody else's environment":  {parameters: `[{"name":"spec","string":"b"}]`, want: map[string]string{}},
		"unknown":                      {app: "shop", parameters: `[{"name":"values-files","array":["a"]}]`, err: `unknown parameter "values-files" of application shop: the parameters are spec, mesh, image`},
		"misspelt":                     {app: "shop", parameters: `[{"name":"mseh","string":"Istio"}]`, err: `unknown parameter "mseh" of application shop: did you mean mesh?`},
		"misspelt beside other's":      {app: "shop", parameters: `[{"name":"images","string":"i"}]`, shared: true, err: `unknown parameter "images" of application shop: did you mean image?`},
		"a list":                       {app: "shop", parameters: `[{"name":"spec","array":["a","b"]}]`, err: "parameter spec of application shop is a list or a map: give it as a string"},
		"a map":                        {app: "shop", parameters: `[{"name":"spec","map":{"a":"b"}}]`, err: "parameter spec of application shop is a list or a map: give it as a string"},
		"what Argo CD would not write": {app: "shop", parameters: `{`, err: "reading ARGOCD_APP_PARAMETERS: unexpected end of JSON input"},
	} {
		t.Run(name, func(t *testing.T) {
			env := map[string]string{nameVariable: c.app, parametersVariable: c.parameters}
			app, err := Read(func(variable string) string { return env[variable] }, c.shared)
			if c.err != "" {
				assert.EqualError(t, err, c.err)
				return
			}
			assert.NoError(t, err)
			assert.Equal(t, Application{Name: c.app, Parameters: c.want}, app)
		})
	}
}

func TestRepository(t *testing.T) {
	for folder, want := range map[string]string{
		"/tmp/_cmp_server/0f1e/apps/shop":     "/tmp/_cmp_server/0f1e",
		"/tmp/_cmp_server/0f1e":               "/tmp/_cmp_server/0f1e",
		"/tmp/_cmp_server/0f1e/_cmp_server/a": "/tmp/_cmp_server/0f1e",
		"/tmp/_cmp_server":                    "/tmp/_cmp_server",
		"/home/somebody/apps/shop":            "/home/somebody/apps/shop",
	} {
		assert.Equal(t, want, Repository(folder), folder)
	}
}

// Whatever the environment says, it is read or refused.
func FuzzRead(f *testing.F) {
	f.Add(`[{"name":"spec","string":"../b.yaml"},{"name":"values-files","array":["a"]}]`, true)
	f.Add(`[{"name":"spec","map":{"a":"b"}}]`, false)
	f.Fuzz(func(t *testing.T, parameters string, shared bool) {
		env := map[string]string{nameVariable: "shop", parametersVariable: parameters}
		app, err := Read(func(variable string) string { return env[variable] }, shared)
		if err != nil {
			return
		}
		for name, value := range app.Parameters {
			assert.Contains(t, known, name)
			assert.NotEmpty(t, value)
		}
	})
}
