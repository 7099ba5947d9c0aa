package tickets

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// filter is an item of a query's filter.
type filter struct {
	Op    string   `json:"op"`
	Field string   `json:"field,omitempty"`
	Value any      `json:"value,omitempty"`
	Items []filter `json:"items,omitempty"`
}

func equals(field string, value any) filter { return filter{Op: "eq", Field: field, Value: value} }
func contains(field, text string) filter    { return filter{Op: "contains", Field: field, Value: text} }

// any of several items.
func either(items ...filter) filter { return filter{Op: "or", Items: items} }

type question struct {
	Filter        []filter `json:"filter"`
	IncludeFields []string `json:"includeFields,omitempty"`
	MaxRecords    int      `json:"maxRecords,omitempty"`
}

// pagesMost is how many pages are read of what should be few records.
const pagesMost = 10

// pageSize is the PSA's largest.
const pageSize = 500

var errMany = errors.New("they answer a question that few should")

// query returns the records that meet all filters. More than there should be is an error, as is a page that does not come: an answer
// that is not whole would say of what is there that it is not.
func query[R any](ctx context.Context, t *Tickets, entity string, fields []string, filters ...filter) (all []R, err error) {
	path, asked := "/"+entity+"/query", question{filters, fields, pageSize}
	for range pagesMost {
		var page struct {
			Items       []R
			PageDetails struct{ NextPageURL string }
		}
		if err := t.say(ctx, http.MethodPost, path, asked, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Items...)
		if page.PageDetails.NextPageURL == "" {
			return all, nil
		}
		if path, err = nextPage(page.PageDetails.NextPageURL); err != nil {
			return nil, fmt.Errorf("%s: %w", entity, err)
		}
	}
	return nil, fmt.Errorf("%s: more than %d records: %w", entity, pagesMost*pageSize, errMany)
}

// nextPage is the path of a page URL, which is asked for with the same verb and body as the first page.
func nextPage(address string) (string, error) {
	const version = "/v1.0/"
	i := strings.Index(strings.ToLower(address), version)
	if i < 0 {
		return "", errors.New("the PSA's address of the next page is none of its interface")
	}
	return address[i+len(version)-1:], nil
}
