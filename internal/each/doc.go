// Package each makes a list of another, item by item.
package each
