// Package webproxy carries people's requests to the PSA's web pages and back, under the gateway's own address. What is known of the
// pages is little, and nothing of this was tried against the live service: it goes by what HTTP, HTML and the vendor's help pages say.
//
// Of each page's text one thing is changed, wherever it stands: an address of the zone becomes one of the gateway, and in what people
// send it becomes the zone's again. So a link that somebody writes into a ticket is stored with the PSA's address, though it is shown
// with the gateway's; what is no text (files, pictures, downloads, uploads of files) passes as it is, byte for byte.
package webproxy
