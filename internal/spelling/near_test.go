package spelling_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/krm-bypass/krm-bypass/internal/spelling"
)

func TestNear(t *testing.T) {
	for _, pair := range [][2]string{
		{"checkout", "chekout"}, {"checkout", "chekcout"}, {"checkout", "checkuot"}, {"checkout", "checkouts"}, {"checkout", "vheckout"},
		{"shop-prod", "shop-prd"}, {"api", "apii"}, {"web-frontend", "web-forntend"}, {"payments", "paymemts"}, {"checkout", "checkou7"},
		{"app.kubernetes.io/name", "app.kubernetes.io/nmae"}, {"orders-v1", "order-v1"}, {"team-a", "taem-a"},
	} {
		assert.True(t, spelling.Near(pair[0], pair[1]), "%v", pair)
		assert.True(t, spelling.Near(pair[1], pair[0]), "%v", pair)
	}
	for _, pair := range [][2]string{
		{"", ""}, {"a", ""}, {"checkout", "checkout"}, {"checkout", "chckut"}, {"api", "app"}, {"web", "wbe"}, {"auth", "oauth"}, {"user", "users"},
		{"api-v1", "api-v2"}, {"worker-1", "worker-12"}, {"worker-12", "worker-21"}, {"redis", "redis6"}, {"team-a", "team-b"}, {"worker-a", "worker"},
		{"postgres-ro", "postgres-rw"}, {"eu-west", "us-west"}, {"ap", "app"}, {"checkout", "tuokcehc"}, {"shop-prod", "prod-shop"},
	} {
		assert.False(t, spelling.Near(pair[0], pair[1]), "%v", pair)
		assert.False(t, spelling.Near(pair[1], pair[0]), "%v", pair)
	}
}
