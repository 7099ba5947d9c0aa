package autotask

import "net/http"

// meaning is what a method does on a form. It is known where the API's documents list the pair. The other pairs have
// an action too, the most that the method could be taken for, because the PSA is the one to answer 405 and policy must
// have judged what it is asked.
type meaning struct {
	action Action
	known  bool
}

// fixed are the meanings on paths that the PSA only reads or queries.
func fixed(action Action, post meaning) map[string]meaning {
	return map[string]meaning{
		http.MethodGet:    {action, true},
		http.MethodPost:   post,
		http.MethodPut:    {Update, false},
		http.MethodPatch:  {Update, false},
		http.MethodDelete: {Delete, false},
	}
}

// item are the meanings on one record's path: the PSA takes updates without the id in the path.
func item() map[string]meaning {
	return map[string]meaning{
		http.MethodGet:    {Read, true},
		http.MethodPost:   {Update, false},
		http.MethodPut:    {Update, false},
		http.MethodPatch:  {Update, false},
		http.MethodDelete: {Delete, true},
	}
}

// collection are the meanings on a collection's path; list says what GET does there.
func collection(list meaning) map[string]meaning {
	return map[string]meaning{
		http.MethodGet:    list,
		http.MethodPost:   {Create, true},
		http.MethodPut:    {Update, true},
		http.MethodPatch:  {Update, true},
		http.MethodDelete: {Delete, false},
	}
}

var meanings = map[Form]map[string]meaning{
	FormEntity:     collection(meaning{Read, false}),
	FormItem:       item(),
	FormQuery:      fixed(Query, meaning{Query, true}),
	FormCount:      fixed(Query, meaning{Query, true}),
	FormNext:       fixed(Query, meaning{Query, true}),
	FormInfo:       fixed(Read, meaning{Create, false}),
	FormInfoFields: fixed(Read, meaning{Create, false}),
	FormInfoUDF:    fixed(Read, meaning{Create, false}),
	// A child list answers many records, as a query does.
	FormChild:     collection(meaning{Query, true}),
	FormChildItem: item(),
}

func meaningOf(form Form, method string) meaning {
	return meanings[form][method]
}

func knownMethod(method string) bool {
	_, ok := meanings[FormItem][method]
	return ok
}

// fixedTails are the paths below an entity that carry no name or number of the caller's.
var fixedTails = []struct {
	form Form
	tail string
}{
	{FormQuery, "query"},
	{FormCount, "query/count"},
	{FormNext, "query/next"},
	{FormInfo, "entityInformation"},
	{FormInfoFields, "entityInformation/fields"},
	{FormInfoUDF, "entityInformation/userDefinedFields"},
}
