package report_test

import (
	"reflect"
	"testing"

	"github.com/psagate/psagate/internal/report"
)

// full is a call of which each field has a word of its own, with an ending.
func full(ending string) (c report.Call) {
	v := reflect.ValueOf(&c).Elem()
	for i := range v.NumField() {
		v.Field(i).SetString(v.Type().Field(i).Name + ending)
	}
	return c
}

func TestWhatIsLearntOfACallReplacesWhatWasKnown(t *testing.T) {
	c := full(" before")
	if c.Learn(full(" after")); c != full(" after") {
		t.Errorf("got %+v", c)
	}
}

func TestWhatALaterLookDoesNotSayStays(t *testing.T) {
	c := full("")
	if c.Learn(report.Call{}); c != full("") {
		t.Errorf("got %+v", c)
	}
	c = report.Call{}
	if c.Learn(full("")); c != full("") {
		t.Errorf("of a call of which nothing was known: %+v", c)
	}
}
