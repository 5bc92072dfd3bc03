package browser

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// Every view, as the navigation and the links of the others lead there.
var views = []struct{ name, path, shows string }{
	{"workloads", "/", "checkout"},
	{"workload", "/workload?of=" + checkout, "checkout"},
	{"connection", "/connection", "Connection"},
	{"connection, outbound", "/connection?of=Deployment/shop/checkout&at=192.0.2.7:443", "192.0.2.0/24"},
	{"connection, inbound", "/connection?of=Deployment/shop/checkout&direction=inbound&at=9102", "9102"},
	{"connection, wrong", "/connection?of=Deployment/shop/checkout&at=here", "here"},
	{"findings", "/findings", "Findings"},
	{"rules", "/rules", "Rules"},
	{"rule", "/rules/edit?of=spec.workloads%5B0%5D", "checkout"},
	{"failure", "/?draft=none", "draft"},
}

func TestViews(t *testing.T) {
	site := reviewing(t)
	for _, view := range views {
		t.Run(view.name, func(t *testing.T) {
			tb := newTab(t, site.base)
			tb.open(view.path)
			tb.untilText(view.shows)
			tb.sound(view.name)
			assert.Empty(t, tb.reach())
		})
	}
}
