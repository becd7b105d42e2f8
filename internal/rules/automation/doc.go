// Package automation reads what an automation is made of, its trigger and its actions,
// and says what is wrong with it. It is pure: ids come from the caller, and what only a
// database knows (whether a deployment exists) is not asked here.
package automation
