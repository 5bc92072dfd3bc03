package admission

import (
	"github.com/krm-bypass/krm-bypass/internal/kinds"
	"github.com/krm-bypass/krm-bypass/internal/transform"
)

// PolicyFor is the policy where these kinds are known and no others.
func PolicyFor(known ...kinds.Kind) string { return policy(known, []*transform.Policy{}) }
