// Package report carries what happens to flow runs to the API: proposed states, log
// records and events. It is what the worker and the executor of native flows share. An API
// that is away for a while loses nothing that is reported here: states wait until they are
// answered, logs and events until they are taken or their bound is reached.
package report
