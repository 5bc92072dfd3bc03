// Package each goes through lists: it makes one of another, and finds items.
package each
