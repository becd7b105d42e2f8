// Package notification makes the requests that tell a service of something: one file for
// the services that take a message, one for webhooks of the user's own. The payloads are
// those of the reference, recorded in testdata.
package notification
