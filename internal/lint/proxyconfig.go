package lint

import "github.com/krm-bypass/krm-bypass/internal/transform"

// proxyConfigured finds what a template may not say in its annotation where there are
// limits, said for many pods at once: istiod merges all of these into the environment
// of istio-init (istio/istio pilot/pkg/model/proxy_config.go).
func proxyConfigured(j *judgement) {
	if !j.linter.limited {
		return
	}
	for _, c := range j.linter.commons {
		opening(j, c)
		opening(j, c, proxyMetadata)
	}
}

// opening tells of the entries of a mapping by which traffic may bypass the sidecar.
func opening(j *judgement, c *transform.Common, at ...string) {
	for e := range c.Said(at...).Entries() {
		// No such field with more in it says anything of interception.
		if e.Value.IsScalar() && j.linter.policy.OpensBy(c, e.Key, e.Value.Text()) {
			j.find(c.Object, c.PathTo(append(at, e.Key)...), "", e.Key)
		}
	}
}
