package transform_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/krm-bypass/krm-bypass/internal/transform"
)

func TestAKindHasItsArticle(t *testing.T) {
	for _, said := range []string{"an AppService", "an MPIJob", "an NFSServer", "an Etcd", "a Fleet", "a MySQL", "a Redis", "a VMAgent", "a TFJob", "a K8ssandraCluster", "a "} {
		_, kind, _ := strings.Cut(said, " ")
		assert.Equal(t, said, transform.A(kind))
	}
}
