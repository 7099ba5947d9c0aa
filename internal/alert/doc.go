// Package alert tells people what happens to logins: by webhook and by mail.
//
// A [Dispatcher] is told of each change. It gathers what happens within a few seconds into one alert, tells the same of the
// same login once in a while and counts the rest, and hands alerts to targets, each of which has a queue of its own. Nothing
// waits for any of it. It knows neither Caddy nor the guard: what it adds about failures it is given.
package alert
