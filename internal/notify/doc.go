// Package notify reaches outside: it calls webhooks, sends messages to services and mail,
// and connects only to where it may. What is sent is decided by internal/rules/notification.
package notify
