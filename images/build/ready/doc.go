// Package ready reads the texts of the repository and finds what would be wrong in them
// on the day of a release: references to another version, images without a digest,
// placeholders, and links to what the release does not offer. It changes no text.
package ready
