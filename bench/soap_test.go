package main

import (
	"encoding/xml"
	"io"
	"strings"
	"testing"
)

func TestEnvelopesHaveTheirSizeAndAreXML(t *testing.T) {
	for _, c := range []*call{soapQuery, soapText, soapFile} {
		text := envelopeOf(c.Operation, c.Body)
		if len(text) > c.Body || len(text) < c.Body-200 {
			t.Errorf("%s: %d bytes, want %d", c.Name, len(text), c.Body)
		}
		d := xml.NewDecoder(strings.NewReader(string(text)))
		for {
			_, err := d.Token()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", c.Name, err)
			}
		}
	}
}
