package autotask

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

const v1 = "/ATServicesRest/V1.0/"

func mustParse(t testing.TB, method, path string) Operation {
	t.Helper()
	op, err := ParseOperation(method, path)
	if err != nil {
		t.Fatalf("ParseOperation(%s, %s): %v", method, path, err)
	}
	return op
}

func TestEveryRESTFormIsUnderstood(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		method, path string
		want         Operation
		signsIn      bool
	}{
		{"GET", v1 + "Tickets/1", Operation{Form: FormItem, Action: Read, Entity: "Tickets", ID: "1"}, true},
		{"DELETE", v1 + "ContactGroups/5", Operation{Form: FormItem, Action: Delete, Entity: "ContactGroups", ID: "5"}, true},
		{"PATCH", v1 + "Tickets/1", Operation{Form: FormItem, Action: Update, Entity: "Tickets", ID: "1"}, false},
		{"PUT", v1 + "Tickets/1", Operation{Form: FormItem, Action: Update, Entity: "Tickets", ID: "1"}, false},
		{"POST", v1 + "Tickets/1", Operation{Form: FormItem, Action: Update, Entity: "Tickets", ID: "1"}, false},
		{"POST", v1 + "Tickets/query", Operation{Form: FormQuery, Action: Query, Entity: "Tickets"}, true},
		{"GET", v1 + "Tickets/query", Operation{Form: FormQuery, Action: Query, Entity: "Tickets"}, true},
		{"DELETE", v1 + "Tickets/query", Operation{Form: FormQuery, Action: Delete, Entity: "Tickets"}, false},
		{"POST", v1 + "Tickets/query/count", Operation{Form: FormCount, Action: Query, Entity: "Tickets"}, true},
		{"GET", v1 + "Tickets/query/count", Operation{Form: FormCount, Action: Query, Entity: "Tickets"}, true},
		{"GET", v1 + "Tickets/query/next", Operation{Form: FormNext, Action: Query, Entity: "Tickets"}, true},
		{"POST", v1 + "Tickets/query/next", Operation{Form: FormNext, Action: Query, Entity: "Tickets"}, true},
		{"POST", v1 + "Tickets", Operation{Form: FormEntity, Action: Create, Entity: "Tickets"}, true},
		{"PATCH", v1 + "Tickets", Operation{Form: FormEntity, Action: Update, Entity: "Tickets"}, true},
		{"PUT", v1 + "Tickets", Operation{Form: FormEntity, Action: Update, Entity: "Tickets"}, true},
		{"GET", v1 + "Tickets", Operation{Form: FormEntity, Action: Read, Entity: "Tickets"}, false},
		{"DELETE", v1 + "Tickets", Operation{Form: FormEntity, Action: Delete, Entity: "Tickets"}, false},
		{"GET", v1 + "Tickets/entityInformation", Operation{Form: FormInfo, Action: Read, Entity: "Tickets"}, true},
		{"GET", v1 + "Tickets/entityInformation/fields", Operation{Form: FormInfoFields, Action: Read, Entity: "Tickets"}, true},
		{"GET", v1 + "Tickets/entityInformation/userDefinedFields", Operation{Form: FormInfoUDF, Action: Read, Entity: "Tickets"}, true},
		{"POST", v1 + "Tickets/entityInformation", Operation{Form: FormInfo, Action: Create, Entity: "Tickets"}, false},
		{"GET", v1 + "Tickets/1/Notes", Operation{Form: FormChild, Action: Query, Entity: "Tickets", ID: "1", Child: "Notes"}, true},
		{"POST", v1 + "Tickets/1/Notes", Operation{Form: FormChild, Action: Create, Entity: "Tickets", ID: "1", Child: "Notes"}, true},
		{"PATCH", v1 + "Tickets/1/Notes", Operation{Form: FormChild, Action: Update, Entity: "Tickets", ID: "1", Child: "Notes"}, true},
		{"PUT", v1 + "Tickets/1/Notes", Operation{Form: FormChild, Action: Update, Entity: "Tickets", ID: "1", Child: "Notes"}, true},
		{"GET", v1 + "Tickets/1/Attachments/9", Operation{Form: FormChildItem, Action: Read, Entity: "Tickets", ID: "1", Child: "Attachments", ChildID: "9"}, true},
		{"DELETE", v1 + "Tickets/1/Attachments/9", Operation{Form: FormChildItem, Action: Delete, Entity: "Tickets", ID: "1", Child: "Attachments", ChildID: "9"}, true},
		{"GET", v1 + "ThresholdInformation", ThresholdCheck, true},
		{"GET", v1 + "Version", Operation{Form: FormEntity, Action: Read, Entity: "Version"}, true},
		{"GET", v1 + "Modules", Operation{Form: FormEntity, Action: Read, Entity: "Modules"}, true},
		{"GET", v1 + "Authenticate", Operation{Form: FormEntity, Action: Read, Entity: "Authenticate"}, true},
		{"GET", v1 + "EntityInformation", Operation{Form: FormEntity, Action: Read, Entity: "EntityInformation"}, true},
		{"POST", v1 + "Version", Operation{Form: FormEntity, Action: Create, Entity: "Version"}, false},
		{"GET", v1 + "Version/1", Operation{Form: FormItem, Action: Read, Entity: "Version", ID: "1"}, false},
		{"GET", v1 + "BillingCodes/-12", Operation{Form: FormItem, Action: Read, Entity: "BillingCodes", ID: "-12"}, true},
		{"GET", "/ATServicesRest/VersionInformation", Operation{Form: FormVersion, Free: true, Action: Read}, false},
		{"GET", v1 + "zoneInformation", zoneLookup, false},
		{"GET", "/ATServicesRest/swagger/docs/v1", Operation{Form: FormSwagger, Free: true, Action: Read, Rest: "docs/v1"}, false},
		{"GET", "/ATServicesRest/swagger/ui/index", Operation{Form: FormSwagger, Free: true, Action: Read, Rest: "ui/index"}, false},
		{"POST", "/ATServices/1.6/atws.asmx", Operation{API: SOAP, Form: FormASMX, Rest: "1.6"}, false},
		{"GET", "/ATServices/1.5/atws.asmx", Operation{API: SOAP, Form: FormASMX, Free: true, Rest: "1.5"}, false},
		{"GET", "/ATServices/1.6/atws.wsdl", Operation{API: SOAP, Form: FormWSDL, Free: true, Rest: "1.6"}, false},
	} {
		c.want.Method = c.method
		for _, path := range []string{c.path, strings.ReplaceAll(c.path, "/", "//"), c.path + "/"} {
			if got := mustParse(t, c.method, path); got != c.want {
				t.Errorf("%s %s:\n got %+v\nwant %+v", c.method, path, got, c.want)
			}
		}
		if got := c.want.Path(); got != c.path {
			t.Errorf("%s %s is rebuilt as %s", c.method, c.path, got)
		}
		if got := c.want.SignsIn(); got != c.signsIn {
			t.Errorf("%s %s: SignsIn is %v", c.method, c.path, got)
		}
	}
}

func TestAnyCaseBecomesThePSAsSpelling(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"/atservicesrest/v1.0/tickets/QUERY":                               v1 + "Tickets/query",
		"/ATSERVICESREST//V1.0/companies/7/todos":                          v1 + "Companies/7/ToDos",
		"/atservicesrest/versioninformation":                               "/ATServicesRest/VersionInformation",
		"/ATServicesRest/v1.0/ZoneInformation":                             v1 + "zoneInformation",
		"/ATServicesRest/V1.0/entityinformation":                           v1 + "EntityInformation",
		"/ATServicesRest/V1.0/thresholdINFORMATION":                        v1 + "ThresholdInformation",
		"/ATServicesRest/V1.0/tickets/entityinformation/userdefinedFIELDS": v1 + "Tickets/entityInformation/userDefinedFields",
		"/ATServicesRest/Swagger/ui/index":                                 "/ATServicesRest/swagger/ui/index",
		"/atservices/1.6/ATWS.wsdl":                                        "/ATServices/1.6/atws.wsdl",
	} {
		if got := mustParse(t, "GET", path).Path(); got != want {
			t.Errorf("%s is rebuilt as %s, want %s", path, got, want)
		}
	}
}

func TestAnUnknownNamePassesAsSpelledAndProvesNothing(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"BrandNewThings/1", "brandNewThings/query", "Tickets/1/newChildren", "BrandNewThings/1/Notes"} {
		op := mustParse(t, "GET", v1+path)
		if op.Path() != v1+path {
			t.Errorf("%s is rebuilt as %s", path, op.Path())
		}
		if op.SignsIn() {
			t.Errorf("a 2xx to %s would prove a sign-in", path)
		}
	}
}

func TestAHandMadeOperationWithAMisspeltNameProvesNothing(t *testing.T) {
	t.Parallel()
	if (Operation{Method: "GET", Form: FormItem, Entity: "tickets", ID: "1"}).SignsIn() {
		t.Error("a name that is not in its canonical spelling counts as known")
	}
	if (Operation{}).SignsIn() {
		t.Error("the zero operation counts as known")
	}
}

func TestWhatIsNoPathOfThePSAsIsABadRequest(t *testing.T) {
	t.Parallel()
	for name, path := range map[string]string{
		"an empty path":                       "",
		"no slash at the start":               "ATServicesRest/V1.0/Tickets/1",
		"an absolute URL":                     "https://webservices5.autotask.net/ATServicesRest/V1.0/Tickets/1",
		"a dot segment":                       v1 + "./Tickets/1",
		"two dots":                            v1 + "../V1.0/Tickets/1",
		"three dots":                          v1 + ".../Tickets/1",
		"dots in the Swagger document's path": "/ATServicesRest/swagger/../V1.0/Tickets/1",
		"a hidden file":                       "/ATServicesRest/swagger/.git/config",
		"a dot at a segment's end":            "/ATServicesRest/swagger/ui./index",
		"an escaped slash":                    v1 + "Tickets%2f1",
		"an escaped backslash":                v1 + "Tickets%5c1",
		"an escaped NUL":                      v1 + "Tickets/1%00",
		"an escaped letter":                   v1 + "%54ickets/1",
		"a doubly escaped slash":              v1 + "Tickets%252f1",
		"a backslash":                         v1 + `Tickets\1`,
		"path parameters":                     v1 + "Tickets;x=1/1",
		"a control byte":                      v1 + "Tickets/1\r\n",
		"a byte above ASCII":                  v1 + "Tickéts/1",
		"a Kelvin sign for a k":               v1 + "Tic\u212Aets/1",
		"a space":                             v1 + "Tickets /1",
		"a query string":                      v1 + "Tickets/1?x",
		"a fragment":                          v1 + "Tickets/1#x",
		"a colon":                             v1 + "Tickets:1",
		"an id of letters":                    v1 + "Tickets/abc",
		"an id with a plus sign":              v1 + "Tickets/+1",
		"an id with a leading zero":           v1 + "Tickets/01",
		"an id beyond 64 bits":                v1 + "Tickets/9223372036854775808",
		"an id that is a hex number":          v1 + "Tickets/0x10",
		"an id with a point":                  v1 + "Tickets/1.0",
		"a child id of letters":               v1 + "Tickets/1/Notes/x",
		"a child that is a number":            v1 + "Tickets/1/2",
		"a child called query":                v1 + "Tickets/1/query",
		"a child called entityInformation":    v1 + "Tickets/1/entityinformation",
		"something after query":               v1 + "Tickets/query/all",
		"something after count":               v1 + "Tickets/query/count/1",
		"something after fields":              v1 + "Tickets/entityInformation/fields/1",
		"something after a child's id":        v1 + "Tickets/1/Notes/2/Attachments",
		"something after zoneInformation":     v1 + "zoneInformation/1",
		"query without an entity":             v1 + "query",
		"an entity that starts with a digit":  v1 + "1Tickets/1",
		"an entity with a dot":                v1 + "Tickets.svc/1",
		"a name without end":                  v1 + strings.Repeat("a", 101),
		"a path without end":                  v1 + "Tickets/" + strings.Repeat("/", 1024),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := ParseOperation("GET", path)
			wantReason(t, err, BadRequest)
		})
	}
}

func wantReason(t *testing.T, err error, want Reason) {
	t.Helper()
	var re *RequestError
	if !errors.As(err, &re) || re.Reason != want {
		t.Fatalf("the error is %v, want reason %s", err, want)
	}
}

func TestWhatLiesOutsideThePSAsInterfacesIsNotFound(t *testing.T) {
	t.Parallel()
	for _, path := range []string{
		"/", "//", "/favicon.ico", "/psagate/", "/ATServicesRest", "/ATServicesRest/V1.0", "/ATServicesRest/V2.0/Tickets/1",
		"/ATServicesRest/V10/Tickets/1", "/ATServicesRest/Tickets/1", "/ATServicesRest/swagger", "/ATServicesRestX/V1.0/Tickets/1",
		"/ATServices", "/ATServices/1.6", "/ATServices/1.7/atws.asmx", "/ATServices/1.6/other.asmx",
		"/ATServices/1.6/atws.asmx/js", "/V1.0/Tickets/1",
	} {
		_, err := ParseOperation("GET", path)
		wantReason(t, err, NotFound)
	}
}

func TestOnlyThePSAsMethodsAreTaken(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"HEAD", "OPTIONS", "TRACE", "CONNECT", "get", "", "QUERY", "GET "} {
		_, err := ParseOperation(method, v1+"Tickets/1")
		wantReason(t, err, BadRequest)
	}
	for _, path := range []string{v1 + "zoneInformation", "/ATServicesRest/VersionInformation", "/ATServicesRest/swagger/docs/v1", "/ATServices/1.6/atws.wsdl"} {
		_, err := ParseOperation("POST", path)
		wantReason(t, err, BadRequest)
	}
}

func TestARefusedPathIsNotRepeatedInTheError(t *testing.T) {
	t.Parallel()
	_, err := ParseOperation("GET", v1+"Tickets/S3cretInThePath")
	if err == nil || strings.Contains(err.Error(), "S3cret") {
		t.Errorf("the error is %v", err)
	}
}

func TestEveryNameOfTheTablesIsReachableAndEveryParentKnown(t *testing.T) {
	t.Parallel()
	for _, name := range slices.Concat(strings.Fields(rootNames), strings.Fields(serviceNames)) {
		if got := mustParse(t, "GET", v1+strings.ToLower(name)).Entity; got != name {
			t.Errorf("%s becomes %s", name, got)
		}
	}
	for parent, names := range childNames {
		if _, ok := roots.of(parent); !ok {
			t.Errorf("parent %s is in no table of roots", parent)
		}
		for _, child := range strings.Fields(names) {
			if op := mustParse(t, "GET", v1+parent+"/1/"+strings.ToUpper(child)); op.Child != child || !op.SignsIn() {
				t.Errorf("%s/%s becomes %+v", parent, child, op)
			}
		}
	}
}

func TestKnownEntityDoesNotDependOnCase(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{"Tickets": true, "TICKETS": true, "thresholdInformation": true, "Nonsense": false, "": false} {
		if got := KnownEntity(name); got != want {
			t.Errorf("KnownEntity(%q) is %v", name, got)
		}
	}
}

func TestAnOperationPrintsWhatItDoes(t *testing.T) {
	t.Parallel()
	for want, op := range map[string]Operation{
		"query Tickets":                  mustParse(t, "POST", v1+"tickets/query"),
		"create Tickets/Notes":           mustParse(t, "POST", v1+"tickets/1/notes"),
		"POST /ATServices/1.6/atws.asmx": mustParse(t, "POST", "/atservices/1.6/atws.asmx"),
		"GET " + v1 + "zoneInformation":  zoneLookup,
		"read ThresholdInformation":      ThresholdCheck,
	} {
		if got := op.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if REST.String() != "rest" || SOAP.String() != "soap" {
		t.Error("the interfaces' words changed")
	}
}

func TestAQueryStringThatWouldBreakTheRequestLineIsRefused(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"", `search={"filter":[]}`, "user=api%40example.com", "a=b&a=c;d", "paging=%7B%7D&x=\xc3\xa9"} {
		if err := CheckQuery(good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for _, bad := range []string{"a b", "a\r\nX: y", "a\x00", "a\tb", "a#b", "a\x7f", "x HTTP/1.1"} {
		wantReason(t, CheckQuery(bad), BadRequest)
	}
}
