package inventory

import "github.com/krm-bypass/krm-bypass/internal/transform"

// Take is TakeMade for files that nobody made of others.
func Take(files []File, named string, uses map[string]transform.Use) (*Inventory, error) {
	return TakeMade(files, nil, named, uses)
}
