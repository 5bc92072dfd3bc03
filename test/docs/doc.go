// Package docs runs the commands that the documentation tells its readers to
// run, and reads the specs that it shows them.
package docs
