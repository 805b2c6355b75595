// Package page makes the HTML pages: the report of one or several runs, and
// the history of a benchmark over commits.
//
// A page is one file that needs nothing else: style, script and charts are
// within it, and a content security policy forbids it to load anything. What
// it shows without its script is complete; the script adds sorting, values on
// hover and by arrow key, a choice of theme, and saving the records.
//
// Everything that comes from records is escaped by html/template or package
// html before it reaches the page.
package page
