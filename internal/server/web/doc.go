// Package web serves pages: the reference's prebuilt user interface when its files are at
// hand, else a page of our own that says what runs here.
package web
